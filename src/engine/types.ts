/** How to choose tokens. Defaults are the model's `generation_config.json`, then the values named here. */
export interface GenerateParams {
  /** Tokens to generate at most. Default: what the context leaves. */
  readonly maxTokens?: number;
  /** 0 is greedy. Default 1. */
  readonly temperature?: number;
  /** Keep the smallest set of tokens whose probabilities reach this. (0, 1]; default 1. */
  readonly topP?: number;
  /** Keep this many of the most probable tokens; 0 keeps all. Default 0. */
  readonly topK?: number;
  /** Keep tokens at least this fraction as probable as the best one. [0, 1]; default 0. */
  readonly minP?: number;
  /** Divides positive and multiplies negative logits of tokens seen in prompt or output. (0, 10]; default 1. */
  readonly repetitionPenalty?: number;
  /** Subtracted once from the logits of tokens in the output. [−2, 2]; default 0. */
  readonly presencePenalty?: number;
  /** Subtracted per occurrence in the output. [−2, 2]; default 0. */
  readonly frequencyPenalty?: number;
  /** Added to logits before anything else, by token id. [−100, 100] each. */
  readonly logitBias?: Readonly<Record<number, number>>;
  /** Same seed, same tokens. An integer from 0 to 2^53 − 1. Default: drawn at random, and reported. */
  readonly seed?: number;
  /** Ids that end the generation (they are emitted, as the last token). Default: the model's end ids. */
  readonly stopIds?: readonly number[];
  /** Report this many alternatives beside each token, 0 to 20. Default 0. */
  readonly topLogprobs?: number;
  /** Tokens also tell their `entropy`, and the first one `cachedTokens`. Default false. */
  readonly trace?: boolean;
  /** Ids that penalties never touch: the control tokens. */
  readonly penaltyExempt?: readonly number[];
  /** Which tokens may come: plain data for the module that the engine was opened with (`EngineOptions.constraints`). */
  readonly constraint?: unknown;
}

export interface TokenEvent {
  readonly type: 'token';
  readonly id: number;
  /** ln p of this token before temperature and truncation (after bias, penalties and mask). */
  readonly logprob: number;
  /** The most probable alternatives, best first, when asked for. */
  readonly top?: readonly { readonly id: number; readonly logprob: number }[];
  /** Nothing else could come (`Constraint.forced`): it was not sampled, and its logprob is 0. */
  readonly forced?: true;
  /** Bits, of the distribution that `logprob` is of: with `trace`. */
  readonly entropy?: number;
  /** Tokens of the prompt that were taken from a kept prefix: on the first token, with `trace`. */
  readonly cachedTokens?: number;
}

export interface EndEvent {
  readonly type: 'end';
  /** `stop`: a stop id came. `length`: maxTokens or the context is used up. `cancelled`: the signal fired. */
  readonly reason: 'stop' | 'length' | 'cancelled';
  readonly promptTokens: number;
  /** Of the prompt, taken from a kept prefix. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** The seed that was used. */
  readonly seed: number;
  /** Ids that were guessed and computed ahead, and those that came true; where there were any. Not part of `outputTokens`. */
  readonly speculation?: { readonly drafted: number; readonly accepted: number };
  readonly timing: { readonly queueMs: number; readonly prefillMs: number; readonly decodeMs: number };
}

export type GenerateEvent = TokenEvent | EndEvent;

export interface SubmitOptions {
  /** Ends the generation when it fires. */
  readonly signal?: AbortSignal;
  /** Who asks: waiting requests of different clients take turns. Absent: anonymous; all anonymous ones are one client. */
  readonly client?: string;
  /** When it fires, the generation's constraint is told to come to its point before the next token. Nothing without one. */
  readonly hurry?: AbortSignal;
}

/** Token ids in, token ids out. Knows nothing of text or messages. */
export interface Engine {
  /** Starts at once; ends with exactly one `end` event, or throws. A fired signal gives `end` with `cancelled` within one step. */
  submit(ids: readonly number[], params?: GenerateParams, options?: SubmitOptions): AsyncIterable<GenerateEvent>;
  close(): Promise<void>;
}
