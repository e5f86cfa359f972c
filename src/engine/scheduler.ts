import { OssiaError } from '../base/index.ts';
import { Generation, type GenerationOptions } from './generation.ts';
import { keptWindows, type SchedulerOptions, schedulerLimits } from './limits.ts';
import { planStep } from './plan.ts';
import { PrefillPace } from './prefill-pace.ts';
import { type Match, PrefixTree } from './prefix-tree.ts';
import type { KeptBlock, Runner, StepEntry } from './runner.ts';
import { type SamplerScratch, samplerScratch } from './sampling.ts';
import { Speculation } from './speculation.ts';
import { type EngineStats, Meter } from './stats.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * Decides what runs next, and runs it: continuous batching over a Runner.
 *
 * Every step takes one token of each decoding sequence and a piece of the waiting prompts. Clients that wait take turns.
 * When the KV cache is full, kept blocks go first; then the youngest sequence is put aside and computed again later, with
 * the same tokens as if nothing had happened: its random numbers depend on their position alone, and its logits on its ids
 * alone.
 */
export class Scheduler {
  readonly #runner: Runner;
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #pace: PrefillPace;
  readonly #kept: PrefixTree;
  readonly #scratch: SamplerScratch;
  readonly #meter = new Meter();
  readonly #speculation: Speculation;
  readonly #waiting = new WaitingLine<Generation>();
  /** Oldest first. */
  #running: Generation[] = [];
  #work: Promise<void> | undefined;

  constructor(runner: Runner, options: SchedulerOptions = {}) {
    const limits = schedulerLimits(options, runner.capacity);
    this.#runner = runner;
    this.#maxRunning = limits.maxRunning;
    this.#maxWaiting = limits.maxWaiting;
    this.#pace = new PrefillPace(limits.prefill);
    this.#speculation = new Speculation(limits.speculate);
    this.#kept = new PrefixTree(runner, { blocks: limits.maxKept, windows: keptWindows(runner.capacity) });
    this.#scratch = samplerScratch(runner.vocabSize);
  }

  /** How busy it is now. */
  get load(): { readonly running: number; readonly waiting: number; readonly kept: number } {
    const running = this.#running.filter(({ finished }) => !finished).length;
    return { running, waiting: this.#waiting.size, kept: this.#kept.size };
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
      ...this.#meter.totals,
      prefixCache: {
        blocks: this.#kept.size,
        idleBlocks: this.#kept.countFree(),
        evictions: this.#kept.evictions,
        ...this.#meter.lookups,
      },
    };
  }

  /** Queues a request; its events go to its sink. Throws `engine/queue-full` when too many wait already. */
  add(options: GenerationOptions): Generation {
    if (this.#waiting.size >= this.#maxWaiting) this.#makePlace(options.client);
    const generation = new Generation({ ...options, sink: this.#meter.counting(options.sink) });
    this.#waiting.add(generation);
    this.#work ??= this.#run();
    return generation;
  }

  /** Ends a request at once, whatever it is doing. What it holds is freed after the step in flight, if there is one. */
  cancel(generation: Generation): void {
    generation.end('cancelled');
    this.#waiting.remove(generation);
  }

  /** Cancels everything, waits for the step in flight and lets kept blocks go. */
  async close(): Promise<void> {
    for (const generation of [...this.#waiting, ...this.#running]) this.cancel(generation);
    await this.#work;
    this.#kept.clear();
  }

  /** In a full line: the last request of the client that has the most gives way to the first of a client that has none. */
  #makePlace(client: string | undefined): void {
    const [running, waiting] = [this.#running.length, this.#waiting.size];
    const full = new OssiaError(
      'engine/queue-full',
      `Cannot take another request: ${running} are running and ${waiting} waiting`,
      { details: { running, waiting, retryAfterSeconds: this.#meter.comeBackSeconds() } },
    );
    const last = this.#waiting.has(client) ? undefined : this.#waiting.lastOfMost();
    if (!last) throw full;
    this.#waiting.remove(last);
    last.fail(full);
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
    for (const generation of this.#running) if (generation.finished) this.#takeOff(generation);
    this.#running = this.#running.filter(({ finished }) => !finished);
  }

  /** Starts waiting requests while there is room for the whole prompt of the next. */
  #admit(): void {
    while (this.#running.length < this.#maxRunning) {
      const next = this.#waiting.peek();
      const match = next && this.#matchWithRoom(next.ids);
      if (!next || !match) return;
      this.#waiting.take();
      if (!next.started) this.#meter.lookedUp(next.promptLength, match.length);
      next.partsAt = match.known > match.length ? match.known : 0;
      try {
        next.start(this.#runner.open(match.blocks, match.length));
      } catch (error) {
        next.fail(error);
      }
      if (next.finished) this.#takeOff(next);
      else this.#running.push(next);
    }
  }

  /** What is kept of these ids, once there is room for all of them beside what is promised to others. Undefined when there is not. */
  #matchWithRoom(ids: readonly number[]): Match | undefined {
    const match = this.#kept.find(ids);
    const { blockSize } = this.#runner;
    const promised = this.#running.reduce(
      (sum, { ids, sequence }) => sum + this.#blocks(ids.length + 1) - this.#blocks(sequence!.length),
      0,
    );
    const whole = Math.floor(match.length / blockSize); // shared; a begun block is copied
    if (this.#makeRoom(this.#blocks(ids.length + 1) - whole + promised, match.blocks)) return match;
    if (this.#running.length > 0) return undefined;
    const begun = match.length > whole * blockSize;
    return begun && !this.#makeRoom(1, match.blocks) ? this.#kept.find(ids, whole * blockSize) : match;
  }

  async #step(): Promise<void> {
    const counts = this.#planWithRoom();
    const batch = [...this.#running];
    if (batch.length === 0) return;
    const drafts = this.#draftWithRoom(batch, counts);
    const before = batch.map(({ sequence }) => sequence!.length);
    const entries = batch.map(({ sequence, ids, remaining }, i): StepEntry => {
      const end = before[i]! + counts[i]!;
      const draft = drafts[i]!;
      const logits = counts[i] === remaining ? 1 + draft.length : 0;
      return { sequence: sequence!, ids: [...ids.slice(before[i]!, end), ...draft], logits };
    });
    const inPrompt = (i: number, length: number) => Math.min(batch[i]!.promptLength, length);
    const promptTokens = before.reduce((sum, at, i) => sum + inPrompt(i, at + counts[i]!) - inPrompt(i, at), 0);
    const wasDecoding = batch.some(({ decoding }) => decoding);
    const begun = performance.now();
    try {
      const rows = await this.#runner.step(entries);
      const ms = performance.now() - begun;
      this.#meter.step({ sequences: batch.length, promptTokens, ms });
      this.#pace.took(promptTokens, ms, wasDecoding);
      if (batch.length === 1 && batch[0]!.decoding) this.#speculation.took(entries[0]!.ids.length, ms);
      batch.forEach((generation, i) => {
        const own = rows.splice(0, entries[i]!.logits);
        const matched = own.length > 0 && !generation.finished ? this.#accept(generation, own, drafts[i]!) : 0;
        if (matched < drafts[i]!.length) generation.sequence!.retreat(before[i]! + counts[i]! + matched);
        this.#keepOnTheWay(generation, before[i]!);
      });
    } catch (error) {
      for (const generation of batch) generation.fail(error);
    }
  }

  /** Counts for all that run, after freeing the KV blocks that they take. May put sequences aside, or end the last one. */
  #planWithRoom(): number[] {
    for (;;) {
      const counts = planStep(this.#running, this.#pace.budget);
      const needed = this.#running.reduce((sum, { sequence }, i) => {
        const { length } = sequence!;
        return sum + this.#blocks(length + counts[i]!) - this.#blocks(length);
      }, 0);
      if (this.#makeRoom(needed)) return counts;
      const youngest = this.#running.pop();
      if (!youngest) return [];
      this.#takeOff(youngest);
      if (this.#running.length > 0) this.#waiting.putBack(youngest);
      else youngest.end('length'); // alone, and still no room: the memory for the context is used up
    }
  }

  /** What may follow each of the batch, if there is room for it too. */
  #draftWithRoom(batch: readonly Generation[], counts: readonly number[]): (readonly number[])[] {
    const drafts = this.#speculation.draft(batch, counts);
    if (drafts.every(({ length }) => length === 0)) return drafts;
    const needed = batch.reduce((sum, { sequence }, i) => {
      const { length } = sequence!;
      return sum + this.#blocks(length + counts[i]! + drafts[i]!.length) - this.#blocks(length);
    }, 0);
    return this.#makeRoom(needed) ? drafts : batch.map(() => []);
  }

  /** Samples. Returns how much of the draft came true. An error ends this one alone. */
  #accept(generation: Generation, rows: readonly Float32Array[], draft: readonly number[]): number {
    try {
      const matched = generation.accept(rows, this.#scratch, draft);
      if (draft.length === 0) return 0;
      this.#meter.speculated(draft.length, matched);
      this.#speculation.learn(generation, draft.length, matched);
      return matched;
    } catch (error) {
      generation.fail(error);
      return 0;
    }
  }

  /** After a step: keeps the end of a prompt, the place where it parts from another, and checkpoints. */
  #keepOnTheWay({ failed, sequence, ids, promptLength, partsAt }: Generation, before: number): void {
    const { length } = sequence!;
    const points = [promptLength, partsAt].filter((point) => before < point && point <= length);
    if (failed || (points.length === 0 && !this.#kept.hasCheckpoint(before, length))) return;
    this.#kept.add(ids, sequence!, points);
  }

  /** Keeps what it has computed and frees what it holds. */
  #takeOff(generation: Generation): void {
    const { sequence, failed, ids } = generation;
    if (!sequence) return;
    if (!failed) this.#kept.add(ids, sequence, [sequence.length]);
    sequence.release();
    generation.sequence = undefined;
  }

  /** Lets kept blocks go until `blocks` more fit, `spared` aside. False, with all of them still there, when too few can go. */
  #makeRoom(blocks: number, spared: readonly KeptBlock[] = []): boolean {
    const free = () => this.#runner.capacity - this.#runner.blocksInUse();
    if (free() + this.#kept.countFree(spared) < blocks) return false;
    while (free() < blocks) if (!this.#kept.evict(spared)) return false;
    return true;
  }

  #blocks(length: number): number {
    return Math.ceil(length / this.#runner.blockSize);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
