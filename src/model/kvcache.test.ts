import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Backend, KvPool, KvShape } from '../backends/index.ts';
import { OssiaError } from '../base/index.ts';
import { KV_BLOCK } from './block-pool.ts';
import type { KeptBlock } from './kept-block.ts';
import { kvViews } from './kv-views.ts';
import { KvCache, type Sequence } from './kvcache.ts';
import type { ModelConfig } from './types.ts';

const WINDOW = 128;

type Kind = 'full' | 'sliding';

/** Two sliding and one full layer; what the pools hold is their own business here. */
function emptyModel({
  window = WINDOW,
  grow = (_: number): void => {},
  copy = (_kind: Kind, _from: number, _to: number): void => {},
} = {}) {
  const backend: Pick<Backend, 'allocateKv'> = {
    allocateKv: (shape: KvShape): KvPool => ({
      shape,
      numBlocks: 0,
      bytesPerBlock: shape.layers * 1000,
      grow,
      copy: (from, to) => copy(shape.layers === 1 ? 'full' : 'sliding', from, to),
      dispose() {},
    }),
  };
  const config = { numKeyValueHeads: 2, headDim: 16, windows: [window, 0, window], maxContextLength: 131_072 };
  return { config: config as ModelConfig & typeof config, backend: backend as Backend };
}

const isFull = (error: unknown) => error instanceof OssiaError && error.code === 'engine/context-full';

test('131,072 tokens one step after the other hold all full blocks and a handful of sliding ones', () => {
  const cache = new KvCache(emptyModel());
  const sequence = cache.open();
  let most = 0;
  while (sequence.length < 131_072) {
    sequence.extend(Math.min(512, 131_072 - sequence.length));
    most = Math.max(most, cache.sliding.numUsed);
  }
  assert.equal(cache.full.numUsed, 2048);
  assert.ok(most <= 512 / KV_BLOCK + 3, `${most} sliding blocks`); // the chunk, the window and a begun block
  assert.ok(cache.sliding.bytesAllocated < cache.full.bytesAllocated / 50);
  assert.throws(() => sequence.extend(1), isFull);
  sequence.release();
  assert.equal(cache.bytesUsed, 0);
});

test('single tokens keep three or four sliding blocks, and every key of the window', () => {
  const cache = new KvCache(emptyModel());
  const sequence = cache.open();
  for (let i = 0; i < 777; i++) {
    sequence.extend(1);
    const first = Math.max(0, sequence.length - WINDOW);
    for (let position = first; position < sequence.length; position++) {
      assert.notEqual(sequence.tables.sliding[Math.floor(position / KV_BLOCK)], -1, `position ${position}`);
    }
    assert.ok(cache.sliding.numUsed <= 4);
  }
});

test('memory is allocated as the cache fills', () => {
  const grown: number[] = [];
  const cache = new KvCache(emptyModel({ grow: (numBlocks) => void grown.push(numBlocks) }), { maxTokens: 10_000 });
  assert.equal(cache.bytesAllocated, 0);
  const sequence = cache.open();
  sequence.extend(1);
  assert.deepEqual(grown, [8, 8]);
  assert.equal(cache.bytesUsed, 3000);
  sequence.extend(9_999);
  assert.equal(Math.max(...grown), Math.ceil(10_000 / KV_BLOCK));
});

test('a cache without room refuses and leaves everything as it was', () => {
  const cache = new KvCache(emptyModel(), { maxTokens: 300 }); // five blocks
  const [a, b] = [cache.open(), cache.open()];
  a.extend(130);
  b.extend(64);
  const tables = structuredClone(a.tables);
  assert.throws(() => a.extend(130), isFull); // to 260 positions, six blocks with b's
  assert.deepEqual(a.tables, tables);
  assert.equal(a.length, 130);
  a.extend(62); // its begun block still has room
  b.release();
  a.extend(100);
  assert.equal(a.length, 292);
});

test('a pool that cannot grow passes the error on and leaves the sequence as it was', () => {
  let budget = 8;
  const cache = new KvCache(
    emptyModel({
      grow: (numBlocks) => {
        if (numBlocks > budget) throw new OssiaError('backend/out-of-memory', 'no');
      },
    }),
  );
  const sequence = cache.open();
  sequence.extend(500);
  assert.throws(() => sequence.extend(100), /no/);
  assert.equal(sequence.length, 500);
  budget = 100;
  sequence.extend(100);
  assert.equal(sequence.length, 600);
});

test('a step that failed is forgotten, and nothing before it', () => {
  const cache = new KvCache(emptyModel());
  const sequence = cache.open();
  sequence.extend(100);
  sequence.extend(333);
  sequence.retreat(100);
  assert.equal(sequence.length, 100);
  assert.deepEqual([cache.full.numUsed, cache.sliding.numUsed], [2, 2]);
  assert.throws(() => sequence.retreat(99), RangeError);
});

/** Shares of all blocks of a sequence. */
function keepAll(sequence: Sequence): KeptBlock[] {
  return sequence.tables.full.map((_, index) => sequence.keep(index));
}

test('whole blocks are shared, and nobody forgets what was kept', () => {
  const cache = new KvCache(emptyModel());
  const sequence = cache.open();
  sequence.extend(50);
  sequence.extend(150);
  const kept = keepAll(sequence);
  assert.throws(() => sequence.retreat(199), RangeError);
  const other = cache.open(kept.slice(0, 3));
  assert.equal(other.length, 192);
  other.extend(1);
  assert.notEqual(other.tables.full[3], sequence.tables.full[3]);
  assert.deepEqual(other.tables.full.slice(0, 3), sequence.tables.full.slice(0, 3));
});

test('a begun block is copied, in both pools', () => {
  const copies: string[] = [];
  const cache = new KvCache(emptyModel({ copy: (kind, from, to) => void copies.push(`${kind} ${from} to ${to}`) }));
  const sequence = cache.open();
  sequence.extend(200);
  const kept = keepAll(sequence);
  const [a, b] = [cache.open(kept, 195), cache.open(kept, 200)];
  assert.deepEqual(copies, ['full 3 to 4', 'sliding 3 to 4', 'full 3 to 5', 'sliding 3 to 5']);
  assert.deepEqual([a.length, b.length], [195, 200]);
  assert.deepEqual(a.tables.full, [0, 1, 2, 4]);
  assert.deepEqual(a.tables.sliding, [-1, 1, 2, 4]);
  for (const each of [sequence, a, b]) each.extend(1);
  assert.equal(cache.full.numUsed, 6);
  for (const each of [sequence, a, b, ...kept]) each.release();
  assert.deepEqual([cache.full.numUsed, cache.sliding.numUsed], [0, 0]);
});

test('without room for the copy of a begun block nothing changes', () => {
  const cache = new KvCache(emptyModel(), { maxTokens: 256 });
  const sequence = cache.open();
  sequence.extend(200);
  const kept = keepAll(sequence);
  assert.throws(() => cache.open(kept, 200), isFull);
  sequence.release();
  for (const block of kept) block.release();
  assert.deepEqual([cache.full.numUsed, cache.sliding.numUsed], [0, 0]);
});

test('a sequence goes on only where the windows that it sees were kept', () => {
  const cache = new KvCache(emptyModel());
  const sequence = cache.open();
  sequence.extend(330);
  const kept = keepAll(sequence);
  kept[2]!.dropWindow();
  kept[2]!.dropWindow();
  assert.deepEqual([kept[2]!.hasWindow, kept[3]!.hasWindow], [false, true]);
  assert.throws(() => cache.open(kept.slice(0, 4), 200), TypeError); // sees back to position 73
  assert.throws(() => cache.open(kept.slice(0, 5), 318), TypeError); // its next query sees position 191
  const other = cache.open(kept.slice(0, 5), 319);
  assert.deepEqual(other.tables.sliding.slice(0, 4), [-1, -1, -1, 3]);
  other.extend(100);
});

test('what was released cannot be used, and may be released again', () => {
  const cache = new KvCache(emptyModel());
  const sequence = cache.open();
  sequence.extend(70);
  const kept = sequence.keep(0);
  assert.throws(() => sequence.keep(2), RangeError);
  assert.ok(kept.shared);
  const foreign = new KvCache(emptyModel());
  assert.throws(() => foreign.open([kept]), TypeError);
  for (const length of [65, 0, 1.5]) assert.throws(() => cache.open([kept], length), RangeError);
  for (let i = 0; i < 2; i++) {
    sequence.release();
    kept.release();
  }
  assert.equal(cache.bytesUsed, 0);
  assert.throws(() => sequence.extend(1), TypeError);
  assert.throws(() => sequence.keep(0), TypeError);
  assert.throws(() => cache.open([kept]), TypeError);
});

test('views give each token its position and its sequence its row of the tables', () => {
  const cache = new KvCache(emptyModel());
  const [a, b] = [cache.open(), cache.open()];
  a.extend(300);
  a.extend(1);
  b.extend(2);
  const { full, sliding } = kvViews([a, b], [1, 2]);
  assert.deepEqual([...full.positions], [300, 0, 1]);
  assert.deepEqual([...full.sequences], [0, 1, 1]);
  assert.equal(full.tableWidth, 5);
  assert.deepEqual([...full.tables], [...a.tables.full, ...b.tables.full, -1, -1, -1, -1]);
  assert.deepEqual([...sliding.tables.subarray(0, 5)], [-1, -1, ...a.tables.sliding.slice(2)]);
});

const kinds = ['open', 'extend', 'extend', 'extend', 'keep', 'release', 'drop', 'retreat'] as const;

/** Stands for the keys that a backend would hold: a tag of its own for every slot that was ever written. */
class Ledger {
  readonly #slots = new Map<string, number>();
  #tag = 0;

  copy(kind: Kind, from: number, to: number): void {
    for (let i = 0; i < KV_BLOCK; i++) {
      const tag = this.#slots.get(`${kind} ${from} ${i}`);
      if (tag !== undefined) this.#slots.set(`${kind} ${to} ${i}`, tag);
    }
  }

  write(sequence: Sequence, history: number[]): void {
    for (let position = history.length; position < sequence.length; position++) {
      history.push(++this.#tag);
      for (const kind of ['full', 'sliding'] as const) this.#slots.set(slot(sequence, kind, position), this.#tag);
    }
  }

  /** Every position that the next query can see must still hold what this history wrote. */
  check(sequence: Sequence, history: readonly number[], window: number): void {
    assert.equal(sequence.length, history.length);
    history.forEach((tag, position) => {
      if (this.#slots.get(slot(sequence, 'full', position)) !== tag) assert.fail(`lost position ${position}`);
      const seen = position > sequence.length - window;
      if (seen && this.#slots.get(slot(sequence, 'sliding', position)) !== tag) assert.fail(`lost sliding ${position}`);
    });
  }
}

function slot(sequence: Sequence, kind: Kind, position: number): string {
  return `${kind} ${sequence.tables[kind][Math.floor(position / KV_BLOCK)]} ${position % KV_BLOCK}`;
}

/** Sequences and prefixes with what they wrote, checked after every action. */
class World {
  readonly window: number;
  readonly cache: KvCache;
  readonly #ledger = new Ledger();
  readonly #sequences: { sequence: Sequence; history: number[]; floor: number }[] = [];
  readonly #prefixes: { kept: KeptBlock[]; history: number[] }[] = [];

  constructor(window: number) {
    this.window = window;
    this.cache = new KvCache(emptyModel({ window, copy: (...what) => this.#ledger.copy(...what) }), {
      maxTokens: 20 * KV_BLOCK,
    });
  }

  act(kind: (typeof kinds)[number], pick: number, count: number): void {
    const owner = this.#sequences[pick % Math.max(1, this.#sequences.length)];
    const kept = this.#prefixes[pick % Math.max(1, this.#prefixes.length)];
    if (kind === 'open' || !owner) {
      this.#open(kept, count);
    } else if (kind === 'drop') {
      if (!kept) return;
      for (const block of kept.kept) block.release();
      this.#prefixes.splice(this.#prefixes.indexOf(kept), 1);
    } else if (kind === 'release') {
      owner.sequence.release();
      this.#sequences.splice(this.#sequences.indexOf(owner), 1);
    } else if (kind === 'keep') {
      this.#prefixes.push({ kept: keepAll(owner.sequence), history: [...owner.history] });
      owner.floor = owner.history.length;
    } else if (kind === 'retreat') {
      owner.sequence.retreat(owner.floor);
      owner.history.length = owner.floor;
    } else {
      owner.floor = owner.sequence.length;
      try {
        owner.sequence.extend(count);
      } catch (error) {
        assert.ok(isFull(error));
      }
      this.#ledger.write(owner.sequence, owner.history);
    }
  }

  /** Opens after all that was kept, or a little less of its last block, when there is room to copy that. */
  #open(prefix: { kept: KeptBlock[]; history: number[] } | undefined, less: number): void {
    if (!prefix) {
      this.#sequences.push({ sequence: this.cache.open(), history: [], floor: 0 });
      return;
    }
    const { kept, history } = prefix;
    const begun = history.length % KV_BLOCK || Math.min(KV_BLOCK, history.length);
    const shorter = history.length - (less % Math.max(1, begun));
    const length =
      this.cache.firstVisibleBlock(shorter) < kept.findIndex(({ hasWindow }) => hasWindow) ? history.length : shorter;
    try {
      const sequence = this.cache.open(kept, length);
      this.#sequences.push({ sequence, history: history.slice(0, length), floor: length });
    } catch (error) {
      assert.ok(isFull(error) && length % KV_BLOCK > 0);
    }
  }

  check(): void {
    for (const { sequence, history } of this.#sequences) this.#ledger.check(sequence, history, this.window);
    for (const { kept, history } of this.#prefixes) {
      const whole = Math.floor(history.length / KV_BLOCK);
      if (kept.slice(this.cache.firstVisibleBlock(whole * KV_BLOCK), whole).some(({ hasWindow }) => !hasWindow))
        continue;
      const sequence = this.cache.open(kept.slice(0, whole));
      this.#ledger.check(sequence, history.slice(0, whole * KV_BLOCK), this.window);
      sequence.release();
    }
  }

  releaseAll(): void {
    for (const { sequence } of this.#sequences) sequence.release();
    for (const { kept } of this.#prefixes) for (const block of kept) block.release();
  }
}

test('whatever is opened, extended, kept and released, no history is overwritten and no block is lost', () => {
  const actions = fc.array(fc.tuple(fc.constantFrom(...kinds), fc.nat(1000), fc.integer({ min: 1, max: 200 })), {
    minLength: 3,
    maxLength: 50,
    size: 'max',
  });
  fc.assert(
    fc.property(fc.constantFrom(66, 128, 130), actions, (window, script) => {
      const world = new World(window);
      for (const [kind, pick, count] of script) {
        world.act(kind, pick, count);
        world.check();
      }
      world.releaseAll();
      assert.deepEqual([world.cache.full.numUsed, world.cache.sliding.numUsed], [0, 0]);
    }),
    { numRuns: 400, endOnFailure: true },
  );
});
