import { OssiaError } from '../base/index.ts';
import type { Citation, Tool, ToolResult } from '../tools/index.ts';
import { carryOut, stopText } from './act-call.ts';
import { ActLimits, checkLimits } from './act-limits.ts';
import { fitResult, type Measure } from './act-results.ts';
import { type Callables, collect } from './act-tools.ts';
import type { ActCall, ActEvent, ActOptions } from './acting-types.ts';
import type { LoadedModel } from './load.ts';
import type { AssistantMessage, ChatEnd, ChatMessage, ChatOptions, ToolCall, ToolMessage } from './types.ts';

/** What acts: a model, or what stands in for one. */
export type ActingModel = Pick<LoadedModel, 'chat'> & Measure;

/** A call as a turn of the model ended it. */
type MadeCall = ToolCall & { readonly status: 'complete' | 'incomplete' | 'undeclared' };

/** One turn of the model. */
interface Step {
  readonly end: ChatEnd;
  readonly calls: readonly MadeCall[];
  /** What it said to the user on `final`. */
  readonly answer: string;
}

const DEFAULT_CALL_MS = 180_000; // longer than the limits that tools have of their own

/**
 * Turns of the assistant that go on with what tools found, until it has answered, calls a function of the caller's own, or may not
 * go on: its last turn is then one in which nothing can be called. Begins with calls of the toolbox that the end of the history
 * leaves unanswered. However it ends, no call that was to run here stands without a result, but for one that waits for approval.
 *
 * Errors reach the reader as those of `LoadedModel.chat` do, and `tools/…` of a tool that cannot say what it offers.
 */
export async function* act(
  model: ActingModel,
  history: string | readonly ChatMessage[],
  options: ActOptions,
): AsyncGenerator<ActEvent, void, undefined> {
  checkLimits(options);
  const time = new AbortController();
  const timer = options.actTimeoutMs === undefined ? undefined : setTimeout(() => time.abort(), options.actTimeoutMs);
  const left = new AbortController();
  try {
    const cancelled = AbortSignal.any([left.signal, ...(options.signal ? [options.signal] : [])]);
    const { toolbox, tools = [], builtins = [] } = options;
    const callables = await collect(toolbox, tools, builtins, cancelled).catch((error: unknown) => {
      if (!cancelled.aborted) throw error;
      return collect([], tools, builtins, cancelled); // the turn says that it was cancelled
    });
    const past = typeof history === 'string' ? [{ role: 'user', content: history } as const] : history;
    const limits = new ActLimits(options, time.signal);
    yield* new Acting(model, past, options, callables, limits, cancelled).run();
  } finally {
    clearTimeout(timer);
    left.abort();
  }
}

class Acting {
  readonly #model: ActingModel;
  readonly #history: readonly ChatMessage[];
  readonly #options: ActOptions;
  readonly #callables: Callables;
  readonly #limits: ActLimits;
  readonly #cancelled: AbortSignal;
  readonly #added: (AssistantMessage | ToolMessage)[] = [];
  #turns = 0;
  /** Turns that called although nothing could be called; only without the constraint. */
  #ignored = 0;

  constructor(
    model: ActingModel,
    history: readonly ChatMessage[],
    options: ActOptions,
    callables: Callables,
    limits: ActLimits,
    cancelled: AbortSignal,
  ) {
    this.#model = model;
    this.#history = history;
    this.#options = options;
    this.#callables = callables;
    this.#limits = limits;
    this.#cancelled = cancelled;
  }

  async *run(): AsyncGenerator<ActEvent, void, undefined> {
    yield* this.#calls(this.#openCalls(), false);
    for (let before: Step | undefined; ; ) {
      const step = yield* this.#turn(before);
      if (step === undefined) return yield* this.#finish(before!, 'length');
      before = step;
      const { end } = step;
      const calls = step.calls.filter(({ status }) => status !== 'incomplete');
      const cutShort = step.calls.filter(({ status }) => status === 'incomplete');
      if (end.reason === 'cancelled' || end.reason === 'length') {
        this.#answerAll(calls, end.reason === 'cancelled' ? 'Cancelled.' : 'Not run: the turn was cut short.');
        return yield* this.#finish(step, end.reason);
      }
      const goesOn = end.stop === undefined && this.#goesOn(cutShort);
      if (calls.length === 0 && !goesOn) return yield* this.#finish(step, end.reason);
      if (goesOn) this.#tellOfCut(cutShort);
      const waits = yield* this.#calls(calls, true);
      if (this.#cancelled.aborted) return yield* this.#finish(step, 'cancelled');
      if (waits) return yield* this.#finish(step, 'tool_calls');
      if (this.#ignored > 1) return yield* this.#finish(step, 'stop');
      if ((this.#limits.tokensLeft ?? 1) < 1) return yield* this.#finish(step, 'length');
      yield { type: 'step', step: ++this.#limits.steps, end };
    }
  }

  /** Whether the model is told that a call was cut short, and tries again. */
  #goesOn(cutShort: readonly MadeCall[]): boolean {
    return cutShort.length > 0 && this.#options.toolbox.length > 0 && this.#ignored === 0;
  }

  /** One turn of the model. Undefined: there is no room for it. */
  async *#turn(before: Step | undefined): AsyncGenerator<ActEvent, Step | undefined, undefined> {
    const mayCall = this.#limits.mayCall();
    const calls: MadeCall[] = [];
    let answer = '';
    let end: ChatEnd | undefined;
    this.#turns++;
    try {
      for await (const event of this.#model.chat([...this.#history, ...this.#added], this.#turnOptions(mayCall))) {
        if (event.type === 'end') end = event;
        else if (event.type === 'usage') this.#limits.noteUsage(event);
        else {
          if (event.type === 'tool_call') calls.push(event);
          if (event.type === 'message' && isAnswer(event.message)) answer = event.message.content;
          yield event;
        }
      }
    } catch (error) {
      if (before !== undefined && end === undefined && isNoRoom(error)) return undefined;
      throw error;
    }
    if (!end) throw new TypeError('The turn ended without an end event');
    this.#limits.noteTurn(end);
    this.#added.push(...end.messages);
    if (!mayCall && calls.length > 0) this.#ignored++;
    return { end, calls, answer };
  }

  #turnOptions(mayCall: boolean): ChatOptions {
    const { toolChoice, ...options } = this.#promptOptions();
    const choice = this.#turns > 1 ? 'auto' : this.#choice(toolChoice);
    // Without the constraint nothing can be forbidden; what is called then is refused.
    const held = mayCall || options.constrain === false ? choice : 'none';
    return {
      ...options,
      ...this.#limits.left,
      ...(held === 'auto' ? {} : { toolChoice: held }),
      signal: this.#cancelled,
      answerNow: this.#limits.hurry,
    };
  }

  #choice(choice: ChatOptions['toolChoice'] = 'auto'): NonNullable<ChatOptions['toolChoice']> {
    if (typeof choice === 'string') return choice;
    return { name: this.#callables.seenAs(choice.name) ?? choice.name };
  }

  /** What of the options is a turn's. */
  #promptOptions(): ChatOptions {
    const { toolbox, conversation, maxSteps, callTimeoutMs, actTimeoutMs, approve, isAllowed, ...options } =
      this.#options;
    const { declarations: tools, builtins } = this.#callables;
    return { ...options, ...(tools.length === 0 ? {} : { tools }), ...(builtins.length === 0 ? {} : { builtins }) };
  }

  /** Carries calls out, one after the other. True: one waits for the caller, or for approval. */
  async *#calls(calls: readonly MadeCall[], mayPostpone: boolean): AsyncGenerator<ActEvent, boolean, undefined> {
    let waits = false;
    const signals = { cancelled: this.#cancelled, hurry: this.#limits.hurry };
    for (const call of calls) {
      const callable = this.#callables.find(call);
      if (callable === undefined) {
        if (this.#isCallers(call) && !this.#cancelled.aborted) waits = true;
        else this.#answer(call, stopText(signals) ?? this.#unknown(call));
        continue;
      }
      const named = asActCall(call, callable.tool);
      const refusal = stopText(signals) ?? this.#refusal();
      if (refusal !== undefined) {
        yield this.#end(named, { text: refusal, isError: true }, 0, true);
        continue;
      }
      const { conversation, approve, isAllowed, callTimeoutMs: timeoutMs = DEFAULT_CALL_MS } = this.#options;
      const asked = {
        ...(approve === undefined ? {} : { approve }),
        ...(isAllowed === undefined ? {} : { isAllowed }),
      };
      const outcome = yield* carryOut(named, callable, { conversation, timeoutMs, ...asked, ...signals });
      if ('postponed' in outcome) {
        if (mayPostpone) waits = true;
        else yield this.#end(named, { text: 'Not allowed: nobody answered.', isError: true }, 0, true);
      } else yield this.#end(named, outcome.result, outcome.durationMs, outcome.refused);
      this.#limits.noteTime();
    }
    return waits;
  }

  /** Why a call that was made all the same does not run. */
  #refusal(): string | undefined {
    return this.#limits.reached === undefined ? undefined : 'Not run: no more calls. Answer with what you have.';
  }

  /** With nothing in the toolbox, all calls are the caller's, those of functions that nobody declared included. */
  #isCallers(call: MadeCall): boolean {
    return this.#callables.isOwn(call) || this.#options.toolbox.length === 0;
  }

  #unknown({ name }: MadeCall): string {
    const known = [...this.#callables.declarations.map((tool) => tool.name), ...this.#callables.builtins];
    return `There is no function "${name}". There are: ${known.join(', ')}.`;
  }

  /** A call that was cut short is no part of the turn that is kept; so that the model can be told of it, it is put back. */
  #tellOfCut(calls: readonly MadeCall[]): void {
    for (const { status: _, ...call } of calls) {
      this.#added.push({ role: 'assistant', toolCalls: [call] });
      this.#answer(call, 'Not run: the arguments were cut short. Call again with all of them.');
    }
  }

  #answerAll(calls: readonly MadeCall[], text: string): void {
    for (const call of calls) this.#answer(call, text);
  }

  #end(call: ActCall, result: ToolResult, durationMs: number, refused?: boolean): ActEvent {
    const given = this.#answer(call, result.text);
    return {
      type: 'tool_end',
      call,
      result,
      ...(given === result.text ? {} : { cut: given }),
      ...(refused ? { refused: true } : {}),
      durationMs,
    };
  }

  /** Adds a result to the history, as far as it fits; gives the text that the model reads. */
  #answer(call: ToolCall, text: string): string {
    const result: ToolMessage = { role: 'tool', content: text, toolCallId: call.id };
    const options = { ...this.#promptOptions(), ...this.#limits.left };
    const { message, isFull } = fitResult(this.#model, [...this.#history, ...this.#added], result, options);
    if (isFull) this.#limits.noteFull();
    this.#added.push(message);
    return message.content;
  }

  /** Calls of the toolbox at the end of the history that nobody has answered. */
  #openCalls(): MadeCall[] {
    const start = this.#history.findLastIndex(({ role }) => role !== 'tool');
    const last = this.#history[start];
    if (last?.role !== 'assistant') return [];
    const answered = new Set(
      this.#history.slice(start + 1).flatMap((message) => (message.role === 'tool' ? [message.toolCallId] : [])),
    );
    return (last.toolCalls ?? [])
      .filter((call) => !answered.has(call.id) && this.#callables.find(call) !== undefined)
      .map((call) => ({ ...call, status: 'complete' }));
  }

  *#finish({ end, answer }: Step, reason: ChatEnd['reason']): Generator<ActEvent> {
    const { usage, steps, reached } = this.#limits;
    yield { type: 'usage', ...usage };
    const citations = this.#citations(answer);
    yield {
      ...end,
      reason,
      messages: this.#added,
      steps,
      ...(reached === undefined ? {} : { limit: reached }),
      ...(citations.length === 0 ? {} : { citations }),
    };
  }

  #citations(answer: string): readonly Citation[] {
    if (answer === '') return [];
    const { toolbox, conversation } = this.#options;
    const found = toolbox.flatMap((tool) => tool.citations?.(conversation, answer) ?? []);
    return found.sort((one, other) => one.start - other.start);
  }
}

function asActCall({ status: _, ...call }: MadeCall, tool: Tool): ActCall {
  const { id, name, builtin } = call;
  return { id, name, arguments: call.arguments, ...(builtin ? { builtin } : {}), tool: tool.name };
}

function isAnswer({ surface, channel }: { readonly surface: string; readonly channel?: string }): boolean {
  return surface === 'text' && channel === 'final';
}

/** What is left of the tokens does not hold the next turn. */
function isNoRoom(error: unknown): boolean {
  if (!(error instanceof OssiaError)) return false;
  return error.code === 'chat/context-exceeded' || error.code === 'harmony/bad-constraint';
}
