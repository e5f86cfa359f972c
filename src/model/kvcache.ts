import type { KvView } from '../backends/index.ts';
import { OssiaError } from '../base/index.ts';
import { BlockPool } from './block-pool.ts';
import type { Model } from './types.ts';

/** Positions in a block. Attention walks whole blocks in order, so this is also a unit of the canonical arithmetic. */
export const KV_BLOCK = 64;

/** Where nothing is kept. */
const HOLE = -1;

export interface KvCacheOptions {
  /**
   * Positions that all sequences and kept prefixes together may fill; each rounds up to whole blocks of 64.
   * Default: the model's maximum context.
   */
  readonly maxTokens?: number;
}

/** Which pool a layer's keys and values live in, and its place there. */
export interface LayerPlace {
  readonly kind: 'full' | 'sliding';
  readonly index: number;
}

/**
 * Keys and values of everything read so far, in blocks of 64 absolute positions: one pool for the layers that see
 * everything, one for the layers with a window, whose blocks are dropped once no query can see them any more.
 *
 *     const cache = new KvCache(model, { maxTokens: 8192 });
 *     const sequence = cache.open();
 *     await runStep(model, cache, [{ sequence, ids: [1, 2, 3], logits: 'last' }]);
 *     const prefix = sequence.keep(); // whole blocks; cache.open(prefix) goes on from there
 *     sequence.release();
 */
export class KvCache {
  readonly full: BlockPool;
  readonly sliding: BlockPool;
  /** Per layer of the model. */
  readonly places: readonly LayerPlace[];
  readonly slidingWindow: number;
  readonly maxContextLength: number;

  constructor(model: Pick<Model, 'config' | 'backend'>, options: KvCacheOptions = {}) {
    const { config, backend } = model;
    const maxTokens = options.maxTokens ?? config.maxContextLength;
    if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
      throw new RangeError(`Expected maxTokens to be a positive integer, got ${maxTokens}`);
    }
    const counts = { full: 0, sliding: 0 };
    this.places = config.windows.map((window) => {
      const kind = window === 0 ? 'full' : 'sliding';
      return { kind, index: counts[kind]++ };
    });
    // A sequence's sliding blocks are some of its positions' blocks, so the same limit can never be reached there first.
    const limit = Math.ceil(maxTokens / KV_BLOCK);
    const pool = (layers: number) => {
      const shape = { layers, kvHeads: config.numKeyValueHeads, headDim: config.headDim, blockSize: KV_BLOCK };
      return new BlockPool(layers > 0 ? backend.allocateKv(shape) : undefined, limit);
    };
    this.full = pool(counts.full);
    this.sliding = pool(counts.sliding);
    this.slidingWindow = Math.max(0, ...config.windows);
    this.maxContextLength = config.maxContextLength;
  }

  /** A new sequence, empty or going on from a kept prefix, whose blocks it shares. */
  open(prefix?: Prefix): Sequence {
    return new Sequence(this, prefix);
  }

  /** Bytes of the blocks in use; blocks shared by several owners count once. */
  get bytesUsed(): number {
    return this.full.bytesUsed + this.sliding.bytesUsed;
  }

  /** Bytes that the backend has allocated so far. */
  get bytesAllocated(): number {
    return this.full.bytesAllocated + this.sliding.bytesAllocated;
  }

  /** What `bytesAllocated` may grow to. */
  get bytesCapacity(): number {
    return this.full.bytesCapacity + this.sliding.bytesCapacity;
  }

  /** Blocks for new positions that are still to be had; a sequence needs one for each 64 positions, begun ones included. */
  get numFreeBlocks(): number {
    return this.full.limit - this.full.numUsed;
  }

  dispose(): void {
    this.full.storage?.dispose();
    this.sliding.storage?.dispose();
  }

  /** The first sliding block that a query at `length` or later can see. */
  firstVisibleBlock(length: number): number {
    return Math.floor(Math.max(0, length - this.slidingWindow + 1) / KV_BLOCK);
  }
}

/** Block ids by index of the block; both tables have the same length, the sliding one has holes where blocks were dropped. */
interface Tables {
  readonly full: number[];
  readonly sliding: number[];
}

/** The whole blocks of a sequence at some point, kept so that other sequences can begin with them. */
export class Prefix {
  /** A multiple of 64. */
  readonly length: number;
  readonly cache: KvCache;
  readonly tables: Tables;
  #released = false;

  /** Takes shares of the blocks in `tables`. */
  constructor(cache: KvCache, length: number, tables: Tables) {
    this.cache = cache;
    this.length = length;
    this.tables = tables;
    share(cache, tables);
  }

  get released(): boolean {
    return this.#released;
  }

  /** Gives the blocks back; sequences that share them keep theirs. Harmless when repeated. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    giveBack(this.cache, this.tables);
  }
}

/** The tokens of one conversation as the cache sees them: a length, and where their keys and values lie. */
export class Sequence {
  readonly cache: KvCache;
  readonly #tables: Tables;
  #length: number;
  /** How far `retreat` may go: the length before the last `extend`, or what a prefix was kept of since. */
  #floor: number;
  #released = false;

  /** Use `cache.open()`. */
  constructor(cache: KvCache, prefix?: Prefix) {
    if (prefix && (prefix.cache !== cache || prefix.released)) {
      throw new TypeError(
        `Cannot open a sequence from a prefix that ${prefix.released ? 'was released' : 'belongs to another cache'}`,
      );
    }
    this.cache = cache;
    this.#length = prefix?.length ?? 0;
    this.#floor = this.#length;
    this.#tables = { full: [...(prefix?.tables.full ?? [])], sliding: [...(prefix?.tables.sliding ?? [])] };
    share(cache, this.#tables);
  }

  get length(): number {
    return this.#length;
  }

  get released(): boolean {
    return this.#released;
  }

  /**
   * Makes room for `count` more positions. Throws `engine/context-full`, leaving everything as it was, when the cache
   * or the model's context has no room for them.
   */
  extend(count: number): void {
    this.#assertOpen('extend');
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`Expected a count of positions, got ${count}`);
    const { cache } = this;
    const length = this.#length + count;
    if (length > cache.maxContextLength) {
      throw new OssiaError(
        'engine/context-full',
        `Cannot extend a sequence of ${this.#length} tokens by ${count}: the model's context is ${cache.maxContextLength}`,
      );
    }
    this.#dropUnseen();
    this.#floor = this.#length;
    const added = Math.ceil(length / KV_BLOCK) - this.#tables.full.length;
    cache.full.reserve(added);
    cache.sliding.reserve(added);
    for (let i = 0; i < added; i++) {
      this.#tables.full.push(cache.full.take());
      this.#tables.sliding.push(cache.sliding.take());
    }
    this.#length = length;
  }

  /**
   * Forgets the positions from `length` on: those of a step that failed, or draft tokens that were refused.
   * Only what came since the last `extend` can be forgotten, because older windows may be gone.
   */
  retreat(length: number): void {
    this.#assertOpen('retreat');
    if (!Number.isSafeInteger(length) || length < this.#floor || length > this.#length) {
      throw new RangeError(`Cannot retreat to ${length}: it must be from ${this.#floor} to ${this.#length}`);
    }
    const { full, sliding } = this.#tables;
    for (const id of full.splice(Math.ceil(length / KV_BLOCK))) this.cache.full.release(id);
    for (const id of sliding.splice(Math.ceil(length / KV_BLOCK))) if (id !== HOLE) this.cache.sliding.release(id);
    this.#length = length;
  }

  /** Keeps the whole blocks up to here, floor(length / 64) * 64 positions, for sequences that begin alike. */
  keep(): Prefix {
    this.#assertOpen('keep');
    const blocks = Math.floor(this.#length / KV_BLOCK);
    const first = this.cache.firstVisibleBlock(blocks * KV_BLOCK);
    const prefix = new Prefix(this.cache, blocks * KV_BLOCK, {
      full: this.#tables.full.slice(0, blocks),
      sliding: this.#tables.sliding.slice(0, blocks).map((id, i) => (i < first ? HOLE : id)),
    });
    this.#floor = Math.max(this.#floor, prefix.length); // its blocks are shared now: never write them again
    return prefix;
  }

  /** Gives the blocks back. Harmless when repeated. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    giveBack(this.cache, this.#tables);
    this.#tables.full.length = 0;
    this.#tables.sliding.length = 0;
  }

  /** Block ids by index, −1 where nothing is kept; both as long as the sequence has blocks. */
  get tables(): { readonly full: readonly number[]; readonly sliding: readonly number[] } {
    return this.#tables;
  }

  /** Drops sliding blocks that neither the next query nor the first query after `keep` can see. */
  #dropUnseen(): void {
    const { sliding } = this.#tables;
    const first = this.cache.firstVisibleBlock(Math.floor(this.#length / KV_BLOCK) * KV_BLOCK);
    for (let i = Math.min(first, sliding.length) - 1; i >= 0 && sliding[i] !== HOLE; i--) {
      this.cache.sliding.release(sliding[i]!);
      sliding[i] = HOLE;
    }
  }

  #assertOpen(action: string): void {
    if (this.#released) throw new TypeError(`Cannot ${action} a sequence that was released`);
  }
}

/** Where `counts[i]` new tokens at the end of each sequence stand, for the full and the sliding layers. */
export function kvViews(sequences: readonly Sequence[], counts: readonly number[]): { full: KvView; sliding: KvView } {
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  const positions = new Int32Array(tokens);
  const rows = new Int32Array(tokens);
  let token = 0;
  sequences.forEach((sequence, row) => {
    for (let position = sequence.length - counts[row]!; position < sequence.length; position++, token++) {
      positions[token] = position;
      rows[token] = row;
    }
  });
  const tableWidth = Math.max(1, ...sequences.map((sequence) => sequence.tables.full.length));
  const view = (kind: 'full' | 'sliding'): KvView => {
    const tables = new Int32Array(sequences.length * tableWidth).fill(HOLE);
    sequences.forEach((sequence, row) => {
      tables.set(sequence.tables[kind], row * tableWidth);
    });
    return { positions, sequences: rows, tables, tableWidth };
  };
  return { full: view('full'), sliding: view('sliding') };
}

/** The same view for some of its tokens. */
export function pickTokens(view: KvView, tokens: Int32Array): KvView {
  return {
    ...view,
    positions: tokens.map((token) => view.positions[token]!),
    sequences: tokens.map((token) => view.sequences[token]!),
  };
}

function share(cache: KvCache, tables: Tables): void {
  for (const id of tables.full) cache.full.share(id);
  for (const id of tables.sliding) if (id !== HOLE) cache.sliding.share(id);
}

function giveBack(cache: KvCache, tables: Tables): void {
  for (const id of tables.full) cache.full.release(id);
  for (const id of tables.sliding) if (id !== HOLE) cache.sliding.release(id);
}
