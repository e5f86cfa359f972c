import { endsInLoop, type RecoveredMessage } from '../harmony/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { ChatEnd } from './types.ts';

/** What the constraint holds thoughts to. */
export interface ThoughtLimits {
  readonly maxReasoningTokens?: number | undefined;
  readonly loopDetection?: boolean | undefined;
}

/**
 * Tells why a thought ended. The constraint closes thoughts in the engine's thread and says nothing of it; but then the end of
 * the thought was all that could come, and what the constraint looks at is seen here as well.
 */
export class ThoughtWatch {
  /** Why the last thought was closed; undefined: the model ended it. */
  cut: ChatEnd['reasoningCut'];
  readonly #specials: Tokenizer['specials'];
  readonly #limits: ThoughtLimits;
  readonly #answerNow: AbortSignal | undefined;
  #tokens = 0;

  constructor(tokenizer: Tokenizer, limits: ThoughtLimits, answerNow: AbortSignal | undefined) {
    this.#specials = tokenizer.specials;
    this.#limits = limits;
    this.#answerNow = answerNow;
  }

  /** A thought is finished. `wasForced`: the last token was the only one that could come. */
  end({ sampled = [] }: RecoveredMessage, wasForced: boolean): void {
    if (sampled.at(-1) !== this.#specials.get('<|end|>')) return; // the whole turn was cut
    const body = sampled.slice(sampled.indexOf(this.#specials.get('<|message|>')!) + 1, -1);
    this.#tokens += body.length;
    this.cut = wasForced ? this.#cause(body) : undefined;
  }

  #cause(body: readonly number[]): NonNullable<ChatEnd['reasoningCut']> {
    const { maxReasoningTokens = Number.POSITIVE_INFINITY, loopDetection = true } = this.#limits;
    if (loopDetection && endsInLoop(body)) return 'loop';
    if (this.#tokens >= maxReasoningTokens) return 'budget';
    return this.#answerNow?.aborted ? 'answer_now' : 'budget'; // with no other cause, what is left is kept for the answer
  }
}
