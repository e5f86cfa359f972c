import type { Prefix, Runner, RunnerSequence, StepEntry } from './runner.ts';

export interface FakeRunnerOptions {
  readonly vocabSize?: number;
  readonly contextLength?: number;
  readonly blockSize?: number;
  /** Blocks. Default: room for four full contexts. */
  readonly capacity?: number;
  /** Called before each step; what it throws fails the step, what it awaits delays it. */
  readonly beforeStep?: (entries: readonly StepEntry[]) => void | Promise<void>;
}

/**
 * A model without weights, for tests of the scheduler and of what stands above it. Its logits are a hash of all ids so far,
 * so one token too many, too few or from a neighbour changes everything after it. It keeps the books of a KV cache and
 * complains about whatever a real one could not do.
 */
export class FakeRunner implements Runner {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly blockSize: number;
  readonly capacity: number;
  /** Ids per entry, of every step so far. */
  readonly steps: (readonly number[])[][] = [];
  readonly #beforeStep: ((entries: readonly StepEntry[]) => void | Promise<void>) | undefined;
  readonly #owners = new Map<object, number>();
  #busy = false;

  constructor(options: FakeRunnerOptions = {}) {
    this.vocabSize = options.vocabSize ?? 53;
    this.contextLength = options.contextLength ?? 1000;
    this.blockSize = options.blockSize ?? 8;
    this.capacity = options.capacity ?? 4 * Math.ceil(this.contextLength / this.blockSize);
    this.#beforeStep = options.beforeStep;
  }

  /** As if a position took ten bytes. */
  kvBytesUsed(): number {
    return this.blocksInUse() * this.blockSize * 10;
  }

  get kvBytesCapacity(): number {
    return this.capacity * this.blockSize * 10;
  }

  blocksInUse(): number {
    return this.#owners.size;
  }

  open(prefix?: Prefix): RunnerSequence {
    if (prefix && !(prefix instanceof FakePrefix)) throw new TypeError('Not a prefix of the fake runner');
    return new FakeSequence(this, prefix);
  }

  async step(entries: readonly StepEntry[]): Promise<Float32Array[]> {
    if (this.#busy) throw new Error('Two steps at a time');
    if (entries.length === 0) throw new Error('An empty step');
    this.#busy = true;
    try {
      await this.#beforeStep?.(entries);
      this.steps.push(entries.map(({ ids }) => ids));
      const rows = entries.map(({ sequence, ids }) => this.#extend(sequence, ids));
      return rows.filter((_, i) => entries[i]!.logits);
    } finally {
      this.#busy = false;
    }
  }

  #extend(sequence: RunnerSequence, ids: readonly number[]): Float32Array {
    if (!(sequence instanceof FakeSequence) || ids.length === 0) throw new Error('Not an entry of the fake runner');
    sequence.append(ids);
    if (this.blocksInUse() > this.capacity) throw new Error('More blocks than there are');
    return fakeLogits(sequence.ids, this.vocabSize);
  }

  /** One owner more. */
  share(block: object): void {
    this.#owners.set(block, (this.#owners.get(block) ?? 0) + 1);
  }

  giveBack(block: object): void {
    const owners = this.#owners.get(block);
    if (!owners) throw new Error('A block given back twice');
    if (owners === 1) this.#owners.delete(block);
    else this.#owners.set(block, owners - 1);
  }
}

class FakeSequence implements RunnerSequence {
  readonly ids: number[];
  readonly #runner: FakeRunner;
  readonly #blocks: object[];
  #released = false;

  constructor(runner: FakeRunner, prefix: FakePrefix | undefined) {
    this.#runner = runner;
    this.ids = [...(prefix?.ids ?? [])];
    this.#blocks = [...(prefix?.blocks ?? [])];
    for (const block of this.#blocks) runner.share(block);
  }

  get length(): number {
    return this.ids.length;
  }

  append(ids: readonly number[]): void {
    if (this.#released) throw new Error('A released sequence in a step');
    this.ids.push(...ids);
    if (this.ids.length > this.#runner.contextLength) throw new Error('Longer than the context');
    while (this.#blocks.length * this.#runner.blockSize < this.ids.length) {
      const block = {};
      this.#blocks.push(block);
      this.#runner.share(block);
    }
  }

  keep(): Prefix {
    const blocks = Math.floor(this.ids.length / this.#runner.blockSize);
    return new FakePrefix(
      this.#runner,
      this.ids.slice(0, blocks * this.#runner.blockSize),
      this.#blocks.slice(0, blocks),
    );
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const block of this.#blocks) this.#runner.giveBack(block);
  }
}

class FakePrefix implements Prefix {
  readonly ids: readonly number[];
  readonly blocks: readonly object[];
  readonly #runner: FakeRunner;

  constructor(runner: FakeRunner, ids: readonly number[], blocks: readonly object[]) {
    this.#runner = runner;
    this.ids = ids;
    this.blocks = blocks;
    for (const block of blocks) runner.share(block);
  }

  get length(): number {
    return this.ids.length;
  }

  release(): void {
    for (const block of this.blocks) this.#runner.giveBack(block);
  }
}

/** Logits [vocab] in [−4, 4) that depend on every id and on their order (FNV-1a, then one round of mixing per token). */
export function fakeLogits(ids: readonly number[], vocabSize: number): Float32Array {
  let hash = 0x811c9dc5;
  for (const id of ids) hash = Math.imul(hash ^ id, 0x01000193);
  return Float32Array.from({ length: vocabSize }, (_, token) => {
    let word = Math.imul(hash ^ Math.imul(token + 1, 0x9e3779b9), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return ((word ^ (word >>> 16)) >>> 0) / 2 ** 29 - 4;
  });
}
