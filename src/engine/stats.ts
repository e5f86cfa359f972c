import type { Sink } from './generation.ts';
import type { EndEvent } from './types.ts';

/** How a request may end: with an `end` event, or by throwing. */
export type Outcome = EndEvent['reason'] | 'failed';

/** What an engine is doing and has done, as plain data. Totals count from its start. */
export interface EngineStats {
  /** Sequences on the machine now. */
  readonly running: number;
  /** Requests that wait for a place. */
  readonly waiting: number;
  readonly maxRunning: number;
  readonly maxWaiting: number;
  /** Blocks of KV cache in use, kept prefixes included; shared ones count once. */
  readonly blocksInUse: number;
  readonly blockCapacity: number;
  /** Positions in a block. */
  readonly blockSize: number;
  /** Bytes of the blocks in use. */
  readonly kvBytesUsed: number;
  /** What they may grow to. */
  readonly kvBytesCapacity: number;
  readonly prefixCache: {
    /** Blocks that are kept now, whether or not a running sequence uses them too. */
    readonly blocks: number;
    /** Those of them that no running sequence uses: they make room when it is needed. */
    readonly idleBlocks: number;
    /** Prompt tokens that were looked up, and those that were found. */
    readonly queriedTokens: number;
    readonly hitTokens: number;
    /** Blocks that made room for others. */
    readonly evictions: number;
  };
  readonly steps: number;
  /** Prompt tokens computed, each time that they were. */
  readonly prefillTokens: number;
  /** Tokens sampled. */
  readonly decodeTokens: number;
  /** Tokens that came without sampling, because the constraint left one way only. */
  readonly forcedTokens: number;
  /** Drafts of ids that were guessed and computed ahead, the ids in them, and those that came true. */
  readonly speculation: { readonly drafts: number; readonly draftedTokens: number; readonly acceptedTokens: number };
  /** Requests by how they ended. */
  readonly requests: Readonly<Record<Outcome, number>>;
  /** Sequences in a step. */
  readonly batchSize: { readonly last: number; readonly mean: number };
  /** Milliseconds a step, of the last 1000. */
  readonly stepMs: Summary;
  /** Milliseconds from one sampled token of a sequence to its next, of the last 1000. */
  readonly tokenGapMs: Summary;
}

/** Zeros while there is nothing to sum up. */
export interface Summary {
  readonly last: number;
  readonly mean: number;
  readonly max: number;
}

/** The last numbers of a series. */
export class RecentValues {
  readonly #values: Float64Array;
  #count = 0;

  constructor(size: number) {
    this.#values = new Float64Array(size);
  }

  add(value: number): void {
    this.#values[this.#count++ % this.#values.length] = value;
  }

  /** How many there are, up to the size. */
  get length(): number {
    return Math.min(this.#count, this.#values.length);
  }

  /** Undefined while there is none. */
  get oldest(): number | undefined {
    const first = Math.max(0, this.#count - this.#values.length);
    return this.#count === 0 ? undefined : this.#values[first % this.#values.length];
  }

  get summary(): Summary {
    const filled = this.#values.subarray(0, this.length);
    if (filled.length === 0) return { last: 0, mean: 0, max: 0 };
    const last = this.#values[(this.#count - 1) % this.#values.length]!;
    return { last, mean: filled.reduce((sum, value) => sum + value, 0) / filled.length, max: Math.max(...filled) };
  }
}

/** What one step did. */
export interface StepRecord {
  readonly sequences: number;
  readonly promptTokens: number;
  readonly ms: number;
}

const SOONEST_MS = 100;
const LATEST_MS = 60_000;
/** What a request is thought to take before one has ended. */
const UNKNOWN_MS = 1000;

/** Counts what a scheduler does. */
export class Meter {
  #steps = 0;
  #sequences = 0;
  #lastBatch = 0;
  #prefill = 0;
  #sampled = 0;
  #forced = 0;
  #queried = 0;
  #hit = 0;
  readonly #speculation = { drafts: 0, draftedTokens: 0, acceptedTokens: 0 };
  readonly #requests: Record<Outcome, number> = { stop: 0, length: 0, cancelled: 0, failed: 0 };
  /** Milliseconds of all steps: the time that was not idle, which tells how long requests take. */
  #workedMs = 0;
  /** What had been worked when the last requests ended, and at the start. */
  readonly #ends = new RecentValues(17);
  readonly #stepMs = new RecentValues(1000);
  readonly #gapMs = new RecentValues(1000);
  /** When the last one who was sent away may come back. */
  #promised = 0;

  constructor() {
    this.#ends.add(0);
  }

  /** A sink that is counted on the way to this one. */
  counting(sink: Sink): Sink {
    let last: number | undefined;
    return {
      emit: (event) => {
        if (event.type === 'end') this.#ended(event.reason);
        else if (event.forced) this.#forced++;
        else last = this.#sampledAfter(last);
        sink.emit(event);
      },
      fail: (error) => {
        this.#ended('failed');
        sink.fail(error);
      },
    };
  }

  /** A prompt was looked up, and so much of it found. */
  lookedUp(queried: number, hit: number): void {
    this.#queried += queried;
    this.#hit += hit;
  }

  /** A draft was computed, and so much of it came true. */
  speculated(drafted: number, accepted: number): void {
    this.#speculation.drafts++;
    this.#speculation.draftedTokens += drafted;
    this.#speculation.acceptedTokens += accepted;
  }

  get lookups(): Pick<EngineStats['prefixCache'], 'queriedTokens' | 'hitTokens'> {
    return { queriedTokens: this.#queried, hitTokens: this.#hit };
  }

  step({ sequences, promptTokens, ms }: StepRecord): void {
    this.#steps++;
    this.#sequences += sequences;
    this.#lastBatch = sequences;
    this.#prefill += promptTokens;
    this.#workedMs += ms;
    this.#stepMs.add(ms);
  }

  /**
   * Seconds after which one who found no place may come back, up to 60: OpenAI's clients pass over more. Places become free
   * one by one, so each is told to come later than the one before; else all would come back together, and most in vain.
   */
  comeBackSeconds(): number {
    const now = performance.now();
    const next = Math.max(this.#promised, now + SOONEST_MS) + this.#msPerRequest;
    this.#promised = Math.min(next, now + LATEST_MS);
    return (this.#promised - now) / 1000;
  }

  /** At the rate of the last requests. */
  get #msPerRequest(): number {
    const ended = this.#ends.length - 1;
    return ended === 0 ? UNKNOWN_MS : (this.#workedMs - this.#ends.oldest!) / ended;
  }

  get totals(): Pick<
    EngineStats,
    | 'steps'
    | 'prefillTokens'
    | 'decodeTokens'
    | 'forcedTokens'
    | 'speculation'
    | 'requests'
    | 'batchSize'
    | 'stepMs'
    | 'tokenGapMs'
  > {
    return {
      steps: this.#steps,
      prefillTokens: this.#prefill,
      decodeTokens: this.#sampled,
      forcedTokens: this.#forced,
      speculation: { ...this.#speculation },
      requests: { ...this.#requests },
      batchSize: { last: this.#lastBatch, mean: this.#steps === 0 ? 0 : this.#sequences / this.#steps },
      stepMs: this.#stepMs.summary,
      tokenGapMs: this.#gapMs.summary,
    };
  }

  /** Returns when the token came; `last` is when the one before it did. */
  #sampledAfter(last: number | undefined): number {
    const now = performance.now();
    this.#sampled++;
    if (last !== undefined) this.#gapMs.add(now - last);
    return now;
  }

  #ended(outcome: Outcome): void {
    this.#requests[outcome]++;
    this.#ends.add(this.#workedMs);
  }
}
