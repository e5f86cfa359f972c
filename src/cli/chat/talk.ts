import type { ActEvent, ChatEvent, ChatMessage, LoadedModel, Session, SessionOptions, ToolCall } from '../../index.ts';
import { showText } from '../answer.ts';
import type { Context } from '../context.ts';
import { printFailure } from '../failure.ts';
import { catchInterrupt } from '../interrupt.ts';
import { splitLines } from '../lines.ts';
import type { History } from './history.ts';
import { editMessage, type Input } from './line-editor.ts';
import { type Chat, completeSlash, isSlashCommand, runSlashCommand } from './slash.ts';

/** Ctrl-C stops the answer; who insists leaves the program. */
const PATIENCE = 3;

export interface TalkOptions {
  readonly hideReasoning: boolean;
  readonly history: History;
}

/** A conversation until the user leaves: on a terminal with an editor, otherwise a message a line. */
export async function talk(
  context: Context,
  model: LoadedModel,
  session: Session<SessionOptions>,
  options: TalkOptions,
): Promise<void> {
  const talker = new Talker(context, { model, session }, options);
  const { terminal } = context;
  if (terminal.interactive && terminal.out.isTerminal) await talker.interactively();
  else await talker.lineByLine();
}

class Talker {
  readonly #context: Context;
  readonly #chat: Chat;
  readonly #options: TalkOptions;
  /** Calls of the last turn that still wait for their results. */
  #waiting: ToolCall[] = [];
  /** Ctrl-C came after a message was entered and before its turn began: the turn is not wanted. */
  #interruptedEarly = false;

  constructor(context: Context, chat: Chat, options: TalkOptions) {
    this.#context = context;
    this.#chat = chat;
    this.#options = options;
  }

  async interactively(): Promise<void> {
    // Between the editor, which reads Ctrl-C as a key, and a turn, which catches the signal, nobody else would take it.
    const early = () => {
      this.#interruptedEarly = true;
    };
    process.on('SIGINT', early);
    try {
      await this.#converse();
    } finally {
      process.off('SIGINT', early);
    }
  }

  async #converse(): Promise<void> {
    const { out } = this.#context.terminal;
    const { model } = this.#chat;
    out.line(out.dim(`${model.name}, ${model.info.backendDescription}. /help lists what you can do; Ctrl-D ends.`));
    let leaving = false;
    for (;;) {
      const input = await this.#edit();
      if (input.type === 'end') return;
      if (input.type === 'interrupt') {
        if (leaving && input.wasEmpty) return;
        leaving = input.wasEmpty;
        this.#waiting = [];
        if (leaving) out.line(out.dim('Ctrl-C again or Ctrl-D ends the chat.'));
        continue;
      }
      leaving = false;
      if ((await this.#take(input.text)) === 'exit') return;
    }
  }

  async lineByLine(): Promise<void> {
    for await (const line of splitLines(process.stdin)) {
      if ((await this.#take(line)) === 'exit') return;
      if (process.exitCode !== undefined) return; // interrupted: what is left in the pipe is not wanted either
    }
  }

  async #edit(): Promise<Input> {
    const { out } = this.#context.terminal;
    const { history } = this.#options;
    const call = this.#waiting[0];
    this.#interruptedEarly = false; // Ctrl-C right after an answer ended was meant for that answer
    const input = await editMessage({
      prompt: call ? out.dim(`result of ${call.name}> `) : '> ',
      continuation: out.dim('… '),
      history: history.entries,
      complete: completeSlash,
    });
    if (input.type === 'text' && !call && input.text.trim() !== '') history.add(input.text);
    return input;
  }

  /** One entry of the user: a command, the result of a call, or a message. */
  async #take(text: string): Promise<'exit' | undefined> {
    const { terminal, debug } = this.#context;
    try {
      if (isSlashCommand(text)) return this.#command(text);
      if (this.#waiting.length > 0) await this.#result(text);
      else if (text.trim() !== '') await this.#turn((signal) => this.#chat.session.send(text, { signal }), true);
    } catch (error) {
      printFailure(terminal, error, debug);
    }
    return undefined;
  }

  #command(text: string): 'exit' | undefined {
    const { out, err } = this.#context.terminal;
    const result = runSlashCommand(this.#chat, text);
    if (result === 'exit') return 'exit';
    const channel = out.isTerminal ? out : err; // never mixed with answers in a pipe
    channel.line(channel.dim(result.say));
    if (!text.startsWith('/help')) this.#waiting = [];
    return undefined;
  }

  /** When the last call has its result, the model goes on. */
  async #result(text: string): Promise<void> {
    const call = this.#waiting.shift()!;
    this.#chat.session.answer(text, call.id);
    if (this.#waiting.length === 0) await this.#turn((signal) => this.#chat.session.continue({ signal }), false);
  }

  async #turn(
    begin: (signal: AbortSignal) => AsyncIterable<ChatEvent | ActEvent>,
    takeBackOnError: boolean,
  ): Promise<void> {
    const { terminal } = this.#context;
    const show = showText(terminal, { ...this.#options, acts: this.#chat.session.options.toolbox !== undefined });
    const interrupt = catchInterrupt(PATIENCE);
    const signal = this.#interruptedEarly ? AbortSignal.abort() : interrupt.signal;
    try {
      for await (const event of begin(signal)) {
        show(event);
        if (event.type !== 'end') continue;
        this.#waiting = event.reason === 'tool_calls' ? unanswered(event.messages) : [];
        if (event.reason === 'cancelled') this.#stopped(interrupt.exitCode);
      }
      if (terminal.out.isTerminal) terminal.out.line();
    } catch (error) {
      if (takeBackOnError) this.#chat.session.undo(); // so that the next message does not fail for this one
      throw error;
    } finally {
      interrupt.dispose();
    }
  }

  #stopped(exitCode: number): void {
    const { out, err, interactive } = this.#context.terminal;
    if (interactive) out.line(out.dim('(stopped)'));
    else {
      err.line('Interrupted');
      process.exitCode = exitCode;
    }
  }
}

/** Calls that nobody has answered yet. */
function unanswered(messages: readonly ChatMessage[]): ToolCall[] {
  const answered = new Set(messages.flatMap((message) => (message.role === 'tool' ? [message.toolCallId] : [])));
  return messages
    .flatMap((message) => (message.role === 'assistant' ? (message.toolCalls ?? []) : []))
    .filter(({ id }) => !answered.has(id));
}
