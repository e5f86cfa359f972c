import { OssiaError } from '../base/index.ts';
import { Generation, type GenerationOptions, type Sink } from './generation.ts';
import { type PrefillBudget, planStep } from './plan.ts';
import { KeptPrefixes } from './prefixes.ts';
import type { Runner, StepEntry } from './runner.ts';
import { type SamplerScratch, samplerScratch } from './sampling.ts';
import { type EngineStats, Meter } from './stats.ts';

export interface SchedulerOptions {
  /** Sequences that run side by side. Default 8. */
  readonly maxRunning?: number;
  /** Requests that may wait behind them; the next one is refused. Default 64. */
  readonly maxWaiting?: number;
  /** Kept prefixes. Default 16. */
  readonly maxKept?: number;
  /** Prompt tokens a step. Default 256 alone, 32 beside decoding sequences. */
  readonly prefill?: PrefillBudget;
}

/**
 * Decides what runs next, and runs it: continuous batching over a Runner.
 *
 * Every step takes one token of each decoding sequence and a piece of the waiting prompts. Requests start in the order in
 * which they came. When the KV cache is full, kept prefixes go first; then the youngest sequence is put aside and computed
 * again later, with the same tokens as if nothing had happened: its random numbers depend on their position alone, and
 * its logits on its ids alone.
 */
export class Scheduler {
  readonly #runner: Runner;
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #prefill: PrefillBudget;
  readonly #prefixes: KeptPrefixes;
  readonly #scratch: SamplerScratch;
  readonly #meter = new Meter();
  #queriedTokens = 0;
  #hitTokens = 0;
  /** Next to start first. */
  #waiting: Generation[] = [];
  /** Oldest first. */
  #running: Generation[] = [];
  #work: Promise<void> | undefined;

  constructor(runner: Runner, options: SchedulerOptions = {}) {
    this.#runner = runner;
    this.#maxRunning = options.maxRunning ?? 8;
    this.#maxWaiting = options.maxWaiting ?? 64;
    this.#prefill = options.prefill ?? { alone: 256, besideDecode: 32 };
    this.#prefixes = new KeptPrefixes(options.maxKept ?? 16);
    this.#scratch = samplerScratch(runner.vocabSize);
  }

  /** How busy it is now. */
  get load(): { readonly running: number; readonly waiting: number; readonly kept: number } {
    const running = this.#running.filter(({ finished }) => !finished).length;
    return { running, waiting: this.#waiting.length, kept: this.#prefixes.size };
  }

  /** What it is doing and has done. */
  stats(): EngineStats {
    const { running, waiting } = this.load;
    const { blockSize, capacity, kvBytesCapacity } = this.#runner;
    return {
      running,
      waiting,
      maxRunning: this.#maxRunning,
      maxWaiting: this.#maxWaiting,
      blocksInUse: this.#runner.blocksInUse(),
      blockCapacity: capacity,
      blockSize,
      kvBytesUsed: this.#runner.kvBytesUsed(),
      kvBytesCapacity,
      prefixCache: {
        blocks: this.#prefixes.blocks(blockSize),
        queriedTokens: this.#queriedTokens,
        hitTokens: this.#hitTokens,
        evictions: this.#prefixes.evictions,
      },
      ...this.#meter.totals,
    };
  }

  /** Queues a request; its events go to its sink. Throws `engine/queue-full` when too many wait already. */
  add(options: GenerationOptions): Generation {
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new OssiaError(
        'engine/queue-full',
        `Cannot take another request: ${this.#running.length} are running and ${this.#waiting.length} waiting`,
        { details: { running: this.#running.length, waiting: this.#waiting.length } },
      );
    }
    const generation = new Generation({ ...options, sink: this.#counted(options.sink) });
    this.#waiting.push(generation);
    this.#work ??= this.#run();
    return generation;
  }

  #counted(sink: Sink): Sink {
    return {
      emit: (event) => {
        if (event.type === 'end') this.#meter.ended(event.reason);
        sink.emit(event);
      },
      fail: (error) => {
        this.#meter.ended('failed');
        sink.fail(error);
      },
    };
  }

  /** Ends a request at once, whatever it is doing. What it holds is freed after the step in flight, if there is one. */
  cancel(generation: Generation): void {
    generation.end('cancelled');
    this.#waiting = this.#waiting.filter((other) => other !== generation);
  }

  /** Cancels everything, waits for the step in flight and lets kept prefixes go. */
  async close(): Promise<void> {
    for (const generation of [...this.#waiting, ...this.#running]) this.cancel(generation);
    await this.#work;
    this.#prefixes.clear();
  }

  async #run(): Promise<void> {
    await nextTurn(); // requests that come in one go start in one step
    for (;;) {
      this.#sweep();
      this.#admit();
      if (this.#running.length === 0) break;
      await this.#step();
      await nextTurn(); // lets messages and timers in, also over a runner that never really waits
    }
    this.#work = undefined;
  }

  /** Takes finished generations off the machine. */
  #sweep(): void {
    for (const generation of this.#running) if (generation.finished) this.#putAside(generation);
    this.#running = this.#running.filter((generation) => !generation.finished);
  }

  /** Starts waiting requests, first come first served, while there is room for the whole prompt of each. */
  #admit(): void {
    while (this.#running.length < this.#maxRunning) {
      const next = this.#waiting[0];
      if (!next) return;
      const prefix = this.#prefixes.find(next.ids);
      const sequence = this.#runner.open(prefix);
      const needed = this.#blocks(next.ids.length + 1) - this.#blocks(sequence.length);
      const promised = this.#running.reduce(
        (sum, { ids, sequence }) => sum + this.#blocks(ids.length + 1) - this.#blocks(sequence!.length),
        0,
      );
      if (!this.#makeRoom(needed + promised) && this.#running.length > 0) {
        sequence.release();
        return;
      }
      this.#waiting.shift();
      this.#running.push(next);
      this.#queriedTokens += next.ids.length;
      this.#hitTokens += sequence.length;
      next.start(sequence);
      next.keepAt = this.#wholeBlocks(this.#prefixes.sharedLength(next.ids));
    }
  }

  async #step(): Promise<void> {
    const counts = this.#planWithRoom();
    const batch = [...this.#running];
    if (batch.length === 0) return;
    const entries = batch.map(({ sequence, ids, remaining }, i): StepEntry => {
      const { length } = sequence!;
      return { sequence: sequence!, ids: ids.slice(length, length + counts[i]!), logits: counts[i] === remaining };
    });
    const promptTokens = batch.reduce((sum, { sequence, promptLength }, i) => {
      const before = Math.min(promptLength, sequence!.length);
      return sum + Math.min(promptLength, sequence!.length + counts[i]!) - before;
    }, 0);
    const begun = performance.now();
    try {
      const rows = await this.#runner.step(entries);
      this.#meter.step({ sequences: batch.length, promptTokens, ms: performance.now() - begun });
      let row = 0;
      batch.forEach((generation, i) => {
        const logits = entries[i]!.logits ? rows[row++] : undefined;
        if (!generation.finished) this.#advance(generation, logits);
      });
    } catch (error) {
      for (const generation of batch) generation.fail(error);
    }
  }

  /** Counts for all that run, after freeing the KV blocks that they take. May put sequences aside, or end the last one. */
  #planWithRoom(): number[] {
    for (;;) {
      const counts = planStep(
        this.#running.map(({ remaining }) => remaining),
        this.#prefill,
      ).map((count, i) => {
        const { keepAt, sequence } = this.#running[i]!;
        const before = keepAt - sequence!.length; // a piece ends where a prefix is to be kept
        return before > 0 ? Math.min(count, before) : count;
      });
      const needed = this.#running.reduce((sum, { sequence }, i) => {
        const { length } = sequence!;
        return sum + this.#blocks(length + counts[i]!) - this.#blocks(length);
      }, 0);
      if (this.#makeRoom(needed)) return counts;
      const youngest = this.#running.pop();
      if (!youngest) return [];
      this.#putAside(youngest);
      if (this.#running.length > 0) this.#waiting.unshift(youngest);
      else youngest.end('length'); // alone, and still no room: the memory for the context is used up
    }
  }

  /** After a step: keeps prefixes worth keeping and samples when there are logits. An error ends this one alone. */
  #advance(generation: Generation, logits: Float32Array | undefined): void {
    const { sequence, promptLength, keepAt } = generation;
    const { length } = sequence!;
    if (length === keepAt || (logits && length === promptLength)) this.#keep(generation);
    if (!logits) return;
    try {
      this.#meter.sampled(generation.accept(logits, this.#scratch));
      if (generation.finished) this.#keep(generation);
    } catch (error) {
      generation.fail(error);
    }
  }

  #keep({ sequence, ids }: Generation): void {
    const length = this.#wholeBlocks(sequence!.length);
    if (length === 0 || this.#prefixes.has(ids, length)) return;
    this.#prefixes.add(ids, sequence!.keep());
  }

  #putAside(generation: Generation): void {
    generation.sequence?.release();
    generation.sequence = undefined;
  }

  /** Lets kept prefixes go until `blocks` more fit. */
  #makeRoom(blocks: number): boolean {
    while (this.#runner.capacity - this.#runner.blocksInUse() < blocks) if (!this.#prefixes.evict()) return false;
    return true;
  }

  #blocks(length: number): number {
    return Math.ceil(length / this.#runner.blockSize);
  }

  #wholeBlocks(length: number): number {
    return length - (length % this.#runner.blockSize);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
