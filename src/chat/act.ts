import { OssiaError } from '../base/index.ts';
import type { Citation, Tool, ToolResult } from '../tools/index.ts';
import { carryOut, stopText } from './act-call.ts';
import { fitResult, type Measure } from './act-results.ts';
import { type Callables, collect } from './act-tools.ts';
import type { ActCall, ActEnd, ActEvent, ActOptions } from './acting-types.ts';
import type { LoadedModel } from './load.ts';
import type { AssistantMessage, ChatEnd, ChatMessage, ChatOptions, ToolCall, ToolMessage, Usage } from './types.ts';

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

const DEFAULT_STEPS = 32;
const DEFAULT_CALL_MS = 60_000;

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
  check(options);
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
    yield* new Acting(model, past, options, callables, { cancelled, time: time.signal }).run();
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
  readonly #cancelled: AbortSignal;
  readonly #time: AbortSignal;
  /** Time is up, or the caller is in a hurry. */
  readonly #hurry: AbortSignal;
  readonly #added: (AssistantMessage | ToolMessage)[] = [];
  #usage: Usage = { promptTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  #turns = 0;
  #steps = 0;
  #seed: number | undefined;
  #limit: ActEnd['limit'];
  /** Calls that were made although nothing could be called; only without the constraint. */
  #ignored = 0;

  constructor(
    model: ActingModel,
    history: readonly ChatMessage[],
    options: ActOptions,
    callables: Callables,
    signals: { readonly cancelled: AbortSignal; readonly time: AbortSignal },
  ) {
    this.#model = model;
    this.#history = history;
    this.#options = options;
    this.#callables = callables;
    this.#cancelled = signals.cancelled;
    this.#time = signals.time;
    this.#hurry = AbortSignal.any([signals.time, ...(options.answerNow ? [options.answerNow] : [])]);
    this.#seed = options.seed;
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
      if ((this.#tokensLeft ?? 1) < 1) return yield* this.#finish(step, 'length');
      this.#steps++;
      yield { type: 'step', step: this.#steps, end };
    }
  }

  /** Whether the model is told that a call was cut short, and tries again. */
  #goesOn(cutShort: readonly MadeCall[]): boolean {
    return cutShort.length > 0 && this.#options.toolbox.length > 0 && this.#ignored === 0;
  }

  /** One turn of the model. Undefined: there is no room for it. */
  async *#turn(before: Step | undefined): AsyncGenerator<ActEvent, Step | undefined, undefined> {
    const mayCall = this.#mayCall();
    const calls: MadeCall[] = [];
    let answer = '';
    let end: ChatEnd | undefined;
    this.#turns++;
    try {
      for await (const event of this.#model.chat([...this.#history, ...this.#added], this.#turnOptions(mayCall))) {
        if (event.type === 'end') end = event;
        else if (event.type === 'usage') this.#usage = sum(this.#usage, event);
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
    this.#seed ??= end.seed;
    this.#added.push(...end.messages);
    if (this.#time.aborted && end.reasoningCut === 'answer_now' && !this.#options.answerNow?.aborted) {
      this.#limit ??= 'time';
    }
    if (!mayCall && calls.length > 0) this.#ignored++;
    return { end, calls, answer };
  }

  /** Whether the next turn may call anything; notes why not. */
  #mayCall(): boolean {
    const { maxSteps = DEFAULT_STEPS, toolbox, answerNow } = this.#options;
    if (toolbox.length === 0) return true;
    if (this.#time.aborted && !answerNow?.aborted) this.#limit ??= 'time';
    else if (this.#steps >= maxSteps) this.#limit ??= 'steps';
    return this.#limit === undefined && !answerNow?.aborted;
  }

  #turnOptions(mayCall: boolean): ChatOptions {
    const options = this.#promptOptions();
    const { maxReasoningTokens, constrain = true } = options;
    const choice = this.#turns > 1 ? 'auto' : this.#choice(options.toolChoice);
    const { toolChoice: _, seed: _s, ...others } = options;
    const { outputTokens, reasoningTokens } = this.#usage;
    const said = outputTokens > 0 || reasoningTokens > 0;
    return {
      ...others,
      ...(this.#seed === undefined ? {} : { seed: this.#seed }),
      ...(said && this.#tokensLeft !== undefined ? { maxTokens: this.#tokensLeft } : {}),
      ...(maxReasoningTokens === undefined || !said
        ? {}
        : { maxReasoningTokens: Math.max(0, maxReasoningTokens - reasoningTokens) }),
      // Without the constraint nothing can be forbidden; what is called then is refused.
      ...(mayCall || !constrain ? (choice === 'auto' ? {} : { toolChoice: choice }) : { toolChoice: 'none' }),
      signal: this.#cancelled,
      answerNow: this.#hurry,
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

  get #tokensLeft(): number | undefined {
    const { maxTokens } = this.#options;
    return maxTokens === undefined ? undefined : maxTokens - this.#usage.outputTokens;
  }

  /** Carries calls out, one after the other. True: one waits for the caller, or for approval. */
  async *#calls(calls: readonly MadeCall[], mayPostpone: boolean): AsyncGenerator<ActEvent, boolean, undefined> {
    let waits = false;
    const signals = { cancelled: this.#cancelled, hurry: this.#hurry };
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
      if (this.#time.aborted && !this.#options.answerNow?.aborted) this.#limit ??= 'time';
    }
    return waits;
  }

  /** Why a call that was made all the same does not run. */
  #refusal(): string | undefined {
    return this.#limit === undefined ? undefined : 'Not run: no more calls. Answer with what you have.';
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
    const options = this.#promptOptions();
    const left = this.#tokensLeft;
    const { message, isFull } = fitResult(this.#model, [...this.#history, ...this.#added], result, {
      ...options,
      ...(left === undefined ? {} : { maxTokens: Math.max(1, left) }),
    });
    if (isFull) this.#limit ??= 'context';
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
    yield { type: 'usage', ...this.#usage };
    const citations = this.#citations(answer);
    yield {
      ...end,
      reason,
      messages: this.#added,
      steps: this.#steps,
      ...(this.#limit === undefined ? {} : { limit: this.#limit }),
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

function sum(one: Usage, other: Usage): Usage {
  return {
    promptTokens: one.promptTokens + other.promptTokens,
    cachedTokens: one.cachedTokens + other.cachedTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    reasoningTokens: one.reasoningTokens + other.reasoningTokens,
    ...sumSpeculation(one, other),
  };
}

function sumSpeculation({ speculation: one }: Usage, { speculation: other }: Usage): Pick<Usage, 'speculation'> {
  if (!one || !other) return one || other ? { speculation: (one ?? other)! } : {};
  return { speculation: { drafted: one.drafted + other.drafted, accepted: one.accepted + other.accepted } };
}

function check({ maxSteps = 0, callTimeoutMs = 1, actTimeoutMs = 1, conversation }: ActOptions): void {
  const bad = (parameter: string, what: string, value: unknown) =>
    new OssiaError('harmony/bad-constraint', `Expected ${parameter} to be ${what}, got ${JSON.stringify(value)}`, {
      details: { parameter },
    });
  if (!Number.isSafeInteger(maxSteps) || maxSteps < 0) throw bad('maxSteps', 'an integer, 0 or more', maxSteps);
  for (const [name, value] of Object.entries({ callTimeoutMs, actTimeoutMs })) {
    if (!(value >= 1 && value < 2 ** 31)) throw bad(name, 'milliseconds, 1 to 2147483647', value);
  }
  if (typeof conversation !== 'string') throw bad('conversation', 'a text', conversation);
}
