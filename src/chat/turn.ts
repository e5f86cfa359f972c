import { randomUUID } from 'node:crypto';
import type { EndEvent, Engine, GenerateParams, TokenEvent } from '../engine/index.ts';
import {
  type ConstraintNote,
  type DeclaredTool,
  type RecoveredMessage,
  RecoveringParser,
  type TurnEvent,
  type TurnFinish,
} from '../harmony/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { StopStrings } from './stop-strings.ts';
import { type ThoughtLimits, ThoughtWatch } from './thought-watch.ts';
import type { AssistantMessage, ChatEnd, ChatEvent, ToolCall } from './types.ts';

export interface TurnOptions {
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  /** The rendered conversation, up to `<|start|>assistant`. */
  readonly prompt: readonly number[];
  readonly params: GenerateParams;
  readonly tools: readonly DeclaredTool[];
  /** Enabled builtins. */
  readonly builtins?: readonly string[];
  readonly stop: readonly string[];
  readonly signal: AbortSignal | undefined;
  /** What `end` says of relaxed schemas. */
  readonly notes?: readonly ConstraintNote[];
  readonly answerNow?: AbortSignal | undefined;
  /** What thoughts are held to: for saying why one was closed. */
  readonly thoughts?: ThoughtLimits;
  readonly client?: string | undefined;
  readonly truncated?: ChatEnd['truncated'];
}

/** Runs one turn of the assistant: tokens become events as they come. Ends with `usage` and `end`, or throws. */
export async function* runTurn({
  engine,
  prompt,
  params,
  signal,
  notes = [],
  answerNow,
  client,
  truncated,
  ...options
}: TurnOptions): AsyncGenerator<ChatEvent, void, undefined> {
  const reader = new TurnReader({ ...options, answerNow });
  const stopped = new AbortController();
  const signals = AbortSignal.any(signal ? [signal, stopped.signal] : [stopped.signal]);
  const { topLogprobs, trace } = params;
  let isBegun = !trace;
  let end: EndEvent | undefined;
  const asked = {
    ...(answerNow === undefined ? {} : { hurry: answerNow }),
    ...(client === undefined ? {} : { client }),
  };
  for await (const event of engine.submit(prompt, params, { signal: signals, ...asked })) {
    if (!isBegun) yield { type: 'prompt', ids: prompt, cachedTokens: event.cachedTokens ?? 0 };
    isBegun = true;
    if (event.type === 'end') end = event;
    else if (!reader.isDone) {
      if (topLogprobs !== undefined || trace) yield event;
      yield* reader.push(event);
      if (reader.isDone) stopped.abort(); // a stop text: what the engine has sampled since is nobody's
    }
  }
  if (!end) throw new TypeError('The engine ended without an end event');
  yield* reader.end(reader.isDone ? 'stop' : end.reason);
  const { promptTokens, cachedTokens, speculation } = end;
  const guessed = speculation === undefined ? {} : { speculation };
  yield { type: 'usage', promptTokens, cachedTokens, ...reader.usage, ...guessed };
  const summary = reader.summary(reader.isDone ? 'stop' : end.reason);
  yield {
    ...summary,
    ...(truncated === undefined ? {} : { truncated }),
    ...(notes.length === 0 ? {} : { notes }),
    seed: end.seed,
    timing: end.timing,
  };
}

type ReaderOptions = Pick<TurnOptions, 'tokenizer' | 'tools' | 'builtins' | 'stop' | 'thoughts' | 'answerNow'>;

/** Takes the tokens of one turn and gives its events; collects what the turn leaves behind. */
class TurnReader {
  /** Whether a stop text was met. */
  isDone = false;
  readonly #parser: RecoveringParser;
  readonly #stops: StopStrings;
  readonly #thoughts: ThoughtWatch;
  /** Whether the last token was the only one that could come. */
  #wasForced = false;
  #hit: string | undefined;
  /** The text of the open message that has been shown, for an answer that a stop text cuts. */
  #shown = '';
  #callId = '';
  #open: { readonly surface: string; readonly channel: string; readonly tool: string } | undefined;
  #outputTokens = 0;
  #reasoningTokens = 0;
  /** Output tokens of finished messages. */
  #finishedTokens = 0;
  readonly #messages: RecoveredMessage[] = [];
  readonly #calls: ToolCall[] = [];

  constructor({ tokenizer, tools, builtins = [], stop, thoughts = {}, answerNow }: ReaderOptions) {
    this.#parser = new RecoveringParser(tokenizer, { tools, builtins });
    this.#stops = new StopStrings(stop);
    this.#thoughts = new ThoughtWatch(tokenizer, thoughts, answerNow);
  }

  get usage(): { readonly outputTokens: number; readonly reasoningTokens: number } {
    return { outputTokens: this.#outputTokens, reasoningTokens: this.#reasoningTokens };
  }

  *push({ id, forced }: TokenEvent): Generator<ChatEvent> {
    this.#outputTokens++;
    this.#wasForced = forced === true;
    yield* this.#translate(this.#parser.push(id));
  }

  *end(finish: TurnFinish): Generator<ChatEvent> {
    if (!this.isDone) yield* this.#translate(this.#parser.end(finish));
  }

  summary(finish: TurnFinish): Omit<ChatEnd, 'seed' | 'timing'> {
    const reason = finish === 'stop' && this.#calls.length > 0 ? 'tool_calls' : finish;
    const repairs = this.isDone ? [] : this.#parser.repairs;
    const messages = assistantMessages(this.#messages, this.#calls);
    const { cut } = this.#thoughts;
    return {
      type: 'end',
      reason,
      repairs,
      messages,
      ...(this.#hit === undefined ? {} : { stop: this.#hit }),
      ...(cut === undefined ? {} : { reasoningCut: cut }),
    };
  }

  *#translate(events: readonly TurnEvent[]): Generator<ChatEvent> {
    for (const event of events) {
      if (this.isDone) return;
      switch (event.type) {
        case 'start':
          this.#open = { surface: event.surface, channel: event.channel, tool: event.tool ?? '' };
          this.#shown = '';
          this.#callId = `call_${randomUUID().replaceAll('-', '')}`;
          break;
        case 'delta':
          yield* this.#delta(event.surface, event.text);
          break;
        case 'retract':
          this.#stops.flush(); // what was held back is void as well
          yield { type: 'retract' };
          break;
        case 'end':
          yield* this.#finish(event.message);
          break;
        case 'repair': // `end` lists them all
          break;
      }
    }
  }

  *#delta(surface: string, text: string): Generator<ChatEvent> {
    if (surface === 'reasoning') yield { type: 'reasoning', delta: text };
    else if (surface === 'text') {
      const { text: delta, hit } = this.#stops.push(text);
      yield* this.#show(delta);
      if (hit !== undefined) yield* this.#stopAt(hit);
    } else {
      const builtin = surface === 'builtin_call' ? { builtin: true as const } : {};
      yield { type: 'tool_call_delta', id: this.#callId, name: this.#open?.tool ?? '', ...builtin, delta: text };
    }
  }

  *#show(delta: string): Generator<ChatEvent> {
    if (delta === '') return;
    this.#shown += delta;
    yield { type: 'text', delta, channel: this.#open?.channel === 'commentary' ? 'commentary' : 'final' };
  }

  /** Ends the turn as if the model had ended its message right before the stop text. */
  *#stopAt(hit: string): Generator<ChatEvent> {
    this.#hit = hit;
    const channel = this.#open?.channel === 'commentary' ? 'commentary' : 'final';
    yield* this.#finish({ role: 'assistant', channel, surface: 'text', content: this.#shown });
    this.isDone = true;
  }

  *#finish(message: RecoveredMessage): Generator<ChatEvent> {
    if (message.surface === 'text') yield* this.#show(this.#stops.flush());
    this.#open = undefined;
    this.#messages.push(message);
    if (message.surface === 'reasoning') this.#thoughts.end(message, this.#wasForced);
    if (message.surface === 'reasoning') this.#reasoningTokens += this.#outputTokens - this.#finishedTokens;
    this.#finishedTokens = this.#outputTokens;
    if (message.surface.endsWith('call')) {
      const builtin = message.surface === 'builtin_call' ? { builtin: true as const } : {};
      const call: ToolCall = { id: this.#callId, name: message.tool ?? '', arguments: message.content, ...builtin };
      const status = message.incomplete ? 'incomplete' : message.undeclared ? 'undeclared' : 'complete';
      if (!message.incomplete) this.#calls.push(call);
      yield { type: 'tool_call', ...call, status };
    }
    yield { type: 'message', message };
  }
}

/** The turn as one message for the history. A call that was cut short never happened. */
function assistantMessages(messages: readonly RecoveredMessage[], toolCalls: readonly ToolCall[]): AssistantMessage[] {
  const harmony = messages.filter(({ surface, incomplete }) => !(surface.endsWith('call') && incomplete));
  if (harmony.length === 0) return [];
  const text = (surface: string) =>
    harmony
      .filter((message) => message.surface === surface && message.content !== '')
      .map(({ content }) => content)
      .join('\n\n');
  const [content, reasoning] = [text('text'), text('reasoning')];
  return [
    {
      role: 'assistant',
      ...(content === '' ? {} : { content }),
      ...(reasoning === '' ? {} : { reasoning }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
      harmony: harmony.map(({ surface: _s, tool: _t, undeclared: _u, incomplete: _i, ...message }) => message),
    },
  ];
}
