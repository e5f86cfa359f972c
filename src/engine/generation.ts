import type { Constraint } from './constraint.ts';
import type { ResolvedParams } from './params.ts';
import type { RunnerSequence } from './runner.ts';
import { Sampler, type SamplerScratch } from './sampling.ts';
import type { EndEvent, GenerateEvent, TokenEvent } from './types.ts';

/** Where the events of one generation go. After `end` or an error nothing follows. */
export interface Sink {
  emit(event: GenerateEvent): void;
  fail(error: unknown): void;
}

export interface GenerationOptions {
  readonly prompt: readonly number[];
  readonly params: ResolvedParams;
  /** Tokens to generate at most: the caller's limit, or what the context leaves. */
  readonly limit: number;
  readonly sink: Sink;
  readonly constraint?: Constraint | undefined;
  /** Who asks; undefined is anonymous. */
  readonly client?: string | undefined;
}

/**
 * One request on its way: the ids so far, how many of them the model has seen, and where its events go.
 * It may lose its KV cache to others and be computed again; what it has sampled stays.
 */
export class Generation {
  readonly promptLength: number;
  readonly client: string | undefined;
  /** Prompt and output. The output grows here as it is sampled. */
  readonly ids: number[];
  /** Its part of the KV cache while it runs. */
  sequence: RunnerSequence | undefined;
  /** Where the prompt parts from what is kept, when it cannot go on from there itself; the next one shall. */
  partsAt = 0;
  /** Whether only what was sampled last, and what is forced after that, is left to compute. */
  decoding = false;
  cachedTokens = 0;
  /** Whether `end` or an error went out; the scheduler then takes it off the machine. */
  finished = false;
  /** Whether it was an error. */
  failed = false;

  readonly #params: ResolvedParams;
  readonly #limit: number;
  readonly #sink: Sink;
  readonly #sampler: Sampler;
  readonly #constraint: Constraint | undefined;
  readonly #stopIds: ReadonlySet<number>;
  readonly #submitted = performance.now();
  #started: number | undefined;
  #prefilled: number | undefined;
  #hurried = false;
  /** What the step that comes to its end computed beyond the ids up to `#draftStart`, and how much of that came true. */
  #drafts: readonly number[] = [];
  #draftStart = 0;
  #matched = 0;
  readonly #speculation = { drafted: 0, accepted: 0 };

  constructor({ prompt, params, limit, sink, constraint, client }: GenerationOptions) {
    this.client = client;
    this.#constraint = constraint;
    this.promptLength = prompt.length;
    this.ids = [...prompt];
    this.#params = params;
    this.#limit = limit;
    this.#sink = sink;
    this.#sampler = new Sampler(params, prompt, constraint);
    this.#stopIds = new Set(params.stopIds);
  }

  get outputTokens(): number {
    return this.ids.length - this.promptLength;
  }

  /** Ids that the model has not seen yet: a prompt's rest, or what was sampled last and what is forced after it. */
  get remaining(): number {
    return this.ids.length - (this.sequence?.length ?? 0);
  }

  /** How long a draft may be: what comes after it is a token more. */
  get draftRoom(): number {
    return this.#limit - this.outputTokens - 1;
  }

  /** Whether it was on the machine before. */
  get started(): boolean {
    return this.#started !== undefined;
  }

  /** Puts it on the machine, with `sequence.length` ids already computed. What the constraint forces at once joins the prompt. */
  start(sequence: RunnerSequence): void {
    this.sequence = sequence;
    this.decoding = false;
    if (this.started) return; // it was put aside, and only goes on
    this.#started = performance.now();
    this.cachedTokens = Math.min(sequence.length, this.promptLength);
    this.#takeForced();
  }

  /** The constraint is told to come to its point before the next token is chosen; once. */
  hurry(): void {
    this.#hurried = true;
  }

  /**
   * Goes on from the logits [vocab] after the last id: samples a token, and takes those that are forced after it. They are
   * computed with the next step, unless they are what was drafted: then it goes on from the logits after them, which are the
   * rows that follow. Returns how many ids of the draft came true.
   */
  accept(rows: readonly Float32Array[], scratch: SamplerScratch, drafts: readonly number[] = []): number {
    this.#prefilled ??= performance.now();
    this.decoding = true;
    this.#drafts = drafts;
    this.#draftStart = this.ids.length;
    this.#matched = 0;
    this.#speculation.drafted += drafts.length;
    do this.#goOn(rows[this.#matched]!, scratch);
    while (!this.finished && this.ids.length === this.#draftStart + this.#matched);
    return this.#matched;
  }

  #goOn(logits: Float32Array, scratch: SamplerScratch): void {
    if (this.#hurried && this.#takeForced()) return;
    this.#push(this.#sampler.choose(logits, scratch));
    this.#takeForced();
  }

  /** Takes what the constraint leaves no choice about, until it leaves one. False when there was none. */
  #takeForced(): boolean {
    const before = this.ids.length;
    if (this.#hurried) this.#constraint?.hurry?.();
    this.#hurried = false;
    for (;;) {
      const forced = this.finished ? [] : [...(this.#constraint?.forced?.() ?? [])]; // `advance` may change its list
      if (forced.length === 0) return this.ids.length > before;
      for (const id of forced) if (!this.finished) this.#push(this.#sampler.take(id));
    }
  }

  #push(event: TokenEvent): void {
    const isFirst = this.outputTokens === 0;
    if (this.ids.length === this.#draftStart + this.#matched && this.#drafts[this.#matched] === event.id) {
      this.#matched++;
      this.#speculation.accepted++;
    }
    this.ids.push(event.id);
    this.#sink.emit(this.#params.trace && isFirst ? { ...event, cachedTokens: this.cachedTokens } : event);
    if (this.#stopIds.has(event.id)) this.end('stop');
    else if (this.outputTokens >= this.#limit) this.end('length');
  }

  end(reason: EndEvent['reason']): void {
    if (this.finished) return;
    this.finished = true;
    const now = performance.now();
    const started = this.#started ?? now;
    const prefilled = this.#prefilled ?? now;
    this.#sink.emit({
      type: 'end',
      reason,
      promptTokens: this.promptLength,
      cachedTokens: this.cachedTokens,
      outputTokens: this.outputTokens,
      seed: this.#params.seed,
      ...(this.#speculation.drafted > 0 ? { speculation: { ...this.#speculation } } : {}),
      timing: { queueMs: started - this.#submitted, prefillMs: prefilled - started, decodeMs: now - prefilled },
    });
  }

  fail(error: unknown): void {
    if (this.finished) return;
    this.finished = true;
    this.failed = true;
    this.#sink.fail(error);
  }
}
