import assert from 'node:assert/strict';
import { LocalEngine, type LocalEngineOptions } from './local.ts';
import { resolveParams } from './params.ts';
import type { KeptBlock, Runner, RunnerSequence, StepEntry } from './runner.ts';
import { Sampler, samplerScratch } from './sampling.ts';
import type { EndEvent, GenerateEvent, GenerateParams, TokenEvent } from './types.ts';

export interface FakeRunnerOptions {
  readonly vocabSize?: number;
  readonly contextLength?: number;
  readonly blockSize?: number;
  /** Positions that a layer with a window sees. Default: two blocks. */
  readonly window?: number;
  /** Blocks. Default: room for four full contexts. */
  readonly capacity?: number;
  /** Blocks that may keep their window. Default: as many. */
  readonly windowCapacity?: number;
  /** Called before each step; what it throws fails the step, what it awaits delays it. */
  readonly beforeStep?: (entries: readonly StepEntry[]) => void | Promise<void>;
}

/**
 * A model without weights, for tests of the scheduler and of what stands above it. Its logits are a hash of all ids so far,
 * read back from the blocks, so one token too many, too few or from a neighbour changes everything after it. It keeps the
 * books of a KV cache with windows, and complains about whatever a real one could not do.
 */
export class FakeRunner implements Runner {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly blockSize: number;
  readonly capacity: number;
  /** Ids per entry, of every step so far. */
  readonly steps: (readonly number[])[][] = [];
  /** Who holds which block, and which window. */
  readonly blocks = new Books();
  readonly windows = new Books();
  readonly #window: number;
  readonly #windowCapacity: number;
  readonly #beforeStep: ((entries: readonly StepEntry[]) => void | Promise<void>) | undefined;
  #busy = false;

  constructor(options: FakeRunnerOptions = {}) {
    this.vocabSize = options.vocabSize ?? 53;
    this.contextLength = options.contextLength ?? 1000;
    this.blockSize = options.blockSize ?? 8;
    this.capacity = options.capacity ?? 4 * Math.ceil(this.contextLength / this.blockSize);
    this.#window = options.window ?? 2 * this.blockSize;
    this.#windowCapacity = options.windowCapacity ?? this.capacity;
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
    return this.blocks.size;
  }

  firstVisibleBlock(length: number): number {
    return Math.floor(Math.max(0, length - this.#window + 1) / this.blockSize);
  }

  open(kept: readonly KeptBlock[] = [], length = kept.length * this.blockSize): RunnerSequence {
    const blocks = kept.map((block) => {
      if (block instanceof FakeKeptBlock && !block.released) return block;
      throw new TypeError('Not a kept block of the fake runner');
    });
    return new FakeSequence(this, blocks, length);
  }

  async step(entries: readonly StepEntry[]): Promise<Float32Array[]> {
    if (this.#busy) throw new Error('Two steps at a time');
    if (entries.length === 0) throw new Error('An empty step');
    this.#busy = true;
    try {
      await this.#beforeStep?.(entries);
      this.steps.push(entries.map(({ ids }) => ids));
      return entries.flatMap((entry) => this.#extend(entry));
    } finally {
      this.#busy = false;
    }
  }

  checkRoom(): void {
    if (this.blocks.size > this.capacity) throw new Error('More blocks than there are');
    if (this.windows.size > this.#windowCapacity) throw new Error('More windows than there are');
  }

  #extend({ sequence, ids, logits }: StepEntry): Float32Array[] {
    if (!(sequence instanceof FakeSequence) || ids.length === 0) throw new Error('Not an entry of the fake runner');
    sequence.append(ids);
    this.checkRoom();
    const all = sequence.ids;
    return Array.from({ length: logits }, (_, row) =>
      fakeLogits(all.slice(0, all.length - logits + row + 1), this.vocabSize),
    );
  }
}

/** Counts owners. */
class Books {
  readonly #owners = new Map<object, number>();

  get size(): number {
    return this.#owners.size;
  }

  owners(thing: object): number {
    return this.#owners.get(thing) ?? 0;
  }

  share<T extends object>(thing: T): T {
    this.#owners.set(thing, this.owners(thing) + 1);
    return thing;
  }

  giveBack(thing: object): void {
    const owners = this.owners(thing);
    if (owners === 0) throw new Error('Something given back twice');
    if (owners === 1) this.#owners.delete(thing);
    else this.#owners.set(thing, owners - 1);
  }
}

/** What a block holds: ids in place of keys and values. Only who took it writes it. */
interface FakeBlock {
  readonly ids: number[];
  readonly writer: FakeSequence;
}

class FakeSequence implements RunnerSequence {
  readonly #runner: FakeRunner;
  readonly #blocks: FakeBlock[];
  /** Undefined where it was dropped. */
  readonly #windows: (object | undefined)[];
  #length: number;
  /** As far as it may retreat. */
  #floor: number;
  #released = false;

  constructor(runner: FakeRunner, kept: readonly FakeKeptBlock[], length: number) {
    const whole = Math.floor(length / runner.blockSize);
    if (Math.ceil(length / runner.blockSize) !== kept.length) throw new Error('Not as many blocks as positions');
    kept.forEach(({ block, window }, i) => {
      const filled = Math.min(runner.blockSize, length - i * runner.blockSize);
      if (block.ids.length < filled) throw new Error('A block that holds less than is taken from it');
      if (i >= runner.firstVisibleBlock(length) && !window) throw new Error('A window that is gone');
    });
    this.#runner = runner;
    this.#length = length;
    this.#floor = length;
    this.#blocks = kept.slice(0, whole).map(({ block }) => runner.blocks.share(block));
    this.#windows = kept.slice(0, whole).map(({ window }) => window && runner.windows.share(window));
    const begun = kept[whole];
    if (begun) this.#take([...begun.block.ids]);
    this.#dropUnseen();
    runner.checkRoom();
  }

  get length(): number {
    return this.#length;
  }

  /** Read from the blocks, as attention would. */
  get ids(): number[] {
    const { blockSize } = this.#runner;
    return this.#blocks.flatMap(({ ids }, i) => ids.slice(0, this.#length - i * blockSize));
  }

  append(ids: readonly number[]): void {
    if (this.#released) throw new Error('A released sequence in a step');
    const { blockSize, contextLength } = this.#runner;
    this.#dropUnseen();
    this.#floor = this.#length;
    for (const id of ids) {
      if (this.#length === this.#blocks.length * blockSize) this.#take([]);
      const block = this.#blocks.at(-1)!;
      if (block.writer !== this) throw new Error('A block of somebody else written');
      block.ids[this.#length++ % blockSize] = id;
    }
    if (this.#length > contextLength) throw new Error('Longer than the context');
  }

  retreat(length: number): void {
    if (this.#released) throw new Error('A released sequence that retreats');
    if (length < this.#floor || length > this.#length) throw new Error('Further back than it can go');
    const count = Math.ceil(length / this.#runner.blockSize);
    for (const block of this.#blocks.splice(count)) this.#runner.blocks.giveBack(block);
    for (const window of this.#windows.splice(count)) if (window) this.#runner.windows.giveBack(window);
    this.#length = length;
  }

  keep(index: number): KeptBlock {
    if (this.#released) throw new Error('A block kept of a released sequence');
    this.#floor = Math.max(this.#floor, Math.min(this.#length, (index + 1) * this.#runner.blockSize));
    return new FakeKeptBlock(this.#runner, this.#blocks[index]!, this.#windows[index]);
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const block of this.#blocks) this.#runner.blocks.giveBack(block);
    for (const window of this.#windows) if (window) this.#runner.windows.giveBack(window);
  }

  #take(ids: number[]): void {
    this.#blocks.push(this.#runner.blocks.share({ ids, writer: this }));
    this.#windows.push(this.#runner.windows.share({}));
  }

  #dropUnseen(): void {
    const { blockSize } = this.#runner;
    const first = this.#runner.firstVisibleBlock(Math.floor(this.#length / blockSize) * blockSize);
    for (let i = 0; i < Math.min(first, this.#windows.length); i++) {
      if (this.#windows[i]) this.#runner.windows.giveBack(this.#windows[i]!);
      this.#windows[i] = undefined;
    }
  }
}

class FakeKeptBlock implements KeptBlock {
  readonly block: FakeBlock;
  window: object | undefined;
  released = false;
  readonly #runner: FakeRunner;

  constructor(runner: FakeRunner, block: FakeBlock, window: object | undefined) {
    this.#runner = runner;
    this.block = runner.blocks.share(block);
    this.window = window && runner.windows.share(window);
  }

  get hasWindow(): boolean {
    return this.window !== undefined;
  }

  get shared(): boolean {
    return this.#runner.blocks.owners(this.block) > 1;
  }

  equals(other: KeptBlock): boolean {
    return other instanceof FakeKeptBlock && other.block === this.block;
  }

  dropWindow(): void {
    if (this.window) this.#runner.windows.giveBack(this.window);
    this.window = undefined;
  }

  release(): void {
    if (this.released) throw new Error('A kept block given back twice');
    this.released = true;
    this.dropWindow();
    this.#runner.blocks.giveBack(this.block);
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

/** What came of a request. */
export interface Outcome {
  readonly tokens: readonly TokenEvent[];
  readonly ids: number[];
  readonly end: EndEvent;
}

export async function collect(events: AsyncIterable<GenerateEvent>): Promise<Outcome> {
  const tokens: TokenEvent[] = [];
  const ends: EndEvent[] = [];
  for await (const event of events) {
    assert.equal(ends.length, 0, 'nothing may follow the end');
    if (event.type === 'token') tokens.push(event);
    else ends.push(event);
  }
  assert.equal(ends.length, 1);
  assert.equal(ends[0]!.outputTokens, tokens.length);
  return { tokens, ids: tokens.map(({ id }) => id), end: ends[0]! };
}

/** What a prompt gives when it is alone in the world: no batch, no cache, no chunks. */
export function alone(
  prompt: readonly number[],
  params: GenerateParams & { maxTokens: number },
  vocabSize = 53,
): number[] {
  const resolved = resolveParams(params, {}, vocabSize);
  const sampler = new Sampler(resolved, prompt);
  const ids = [...prompt];
  while (ids.length < prompt.length + params.maxTokens) {
    const { id } = sampler.choose(fakeLogits(ids, vocabSize), samplerScratch(vocabSize));
    ids.push(id);
    if (resolved.stopIds.includes(id)) break;
  }
  return ids.slice(prompt.length);
}

export function promptOf(length: number, start = 3): number[] {
  return Array.from({ length }, (_, i) => (start + i * 7) % 53);
}

/** Steps are counted by many tests, so nothing is computed ahead unless asked for. */
export function open(
  runner: FakeRunnerOptions = {},
  options: LocalEngineOptions = {},
): { runner: FakeRunner; engine: LocalEngine } {
  const fake = new FakeRunner(runner);
  return { runner: fake, engine: new LocalEngine(fake, { speculate: 'off', ...options }) };
}

/** Resolves when the fake has run that many steps. */
export async function steps(runner: FakeRunner, count: number): Promise<void> {
  while (runner.steps.length < count) await new Promise((resolve) => setImmediate(resolve));
}
