import { OssiaError } from '../base/index.ts';
import type { ActEnd, ActOptions } from './acting-types.ts';
import type { ChatEnd, ChatOptions, Usage } from './types.ts';

const DEFAULT_STEPS = 32;

/** How long acting may go on: rounds of calls, tokens, time, room in the context; and what is used up of them. */
export class ActLimits {
  /** Time is up, or the caller is in a hurry. */
  readonly hurry: AbortSignal;
  /** Rounds of calls. */
  steps = 0;
  readonly #options: ActOptions;
  readonly #time: AbortSignal;
  #usage: Usage = { promptTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  #seed: number | undefined;
  #reached: ActEnd['limit'];

  /** `time` fires when `actTimeoutMs` are over. */
  constructor(options: ActOptions, time: AbortSignal) {
    this.#options = options;
    this.#time = time;
    this.#seed = options.seed;
    this.hurry = AbortSignal.any([time, ...(options.answerNow ? [options.answerNow] : [])]);
  }

  /** Of all turns. */
  get usage(): Usage {
    return this.#usage;
  }

  /** Why the model has to answer. */
  get reached(): ActEnd['limit'] {
    return this.#reached;
  }

  /** Of `maxTokens`; undefined: as many as the context has room for. */
  get tokensLeft(): number | undefined {
    const { maxTokens } = this.#options;
    return maxTokens === undefined ? undefined : maxTokens - this.#usage.outputTokens;
  }

  /** Whether the next turn may call anything; notes why not. */
  mayCall(): boolean {
    const { maxSteps = DEFAULT_STEPS, toolbox, answerNow } = this.#options;
    if (toolbox.length === 0) return true;
    this.noteTime();
    if (this.steps >= maxSteps) this.#reached ??= 'steps';
    return this.#reached === undefined && !answerNow?.aborted;
  }

  /** A result did not fit any more. */
  noteFull(): void {
    this.#reached ??= 'context';
  }

  /** Time may have run out since; whoever wanted the answer before knows why it comes. */
  noteTime(): void {
    if (this.#time.aborted && !this.#options.answerNow?.aborted) this.#reached ??= 'time';
  }

  noteUsage(one: Usage): void {
    const sum = this.#usage;
    this.#usage = {
      promptTokens: sum.promptTokens + one.promptTokens,
      cachedTokens: sum.cachedTokens + one.cachedTokens,
      outputTokens: sum.outputTokens + one.outputTokens,
      reasoningTokens: sum.reasoningTokens + one.reasoningTokens,
      ...sumSpeculation(sum, one),
    };
  }

  /** A turn of the model is over. */
  noteTurn({ seed, reasoningCut }: ChatEnd): void {
    this.#seed ??= seed;
    if (reasoningCut === 'answer_now') this.noteTime();
  }

  /** What is left of tokens, for the next turn; the seed of the first is that of all. */
  get left(): Pick<ChatOptions, 'seed' | 'maxTokens' | 'maxReasoningTokens'> {
    const { maxReasoningTokens } = this.#options;
    const { tokensLeft } = this;
    const thoughts = maxReasoningTokens === undefined ? undefined : maxReasoningTokens - this.#usage.reasoningTokens;
    return {
      ...(this.#seed === undefined ? {} : { seed: this.#seed }),
      ...(tokensLeft === undefined ? {} : { maxTokens: tokensLeft }),
      ...(thoughts === undefined ? {} : { maxReasoningTokens: Math.max(0, thoughts) }),
    };
  }
}

/** Throws `harmony/bad-constraint` that names the option. */
export function checkLimits({ maxSteps = 0, callTimeoutMs = 1, actTimeoutMs = 1, conversation }: ActOptions): void {
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

function sumSpeculation({ speculation: one }: Usage, { speculation: other }: Usage): Pick<Usage, 'speculation'> {
  if (!one || !other) return one || other ? { speculation: (one ?? other)! } : {};
  return { speculation: { drafted: one.drafted + other.drafted, accepted: one.accepted + other.accepted } };
}
