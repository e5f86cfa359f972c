import { OssiaError } from '../base/index.ts';
import { BlockPool, HOLE, KV_BLOCK } from './block-pool.ts';
import { checkKept, giveBack, KeptBlock, share, type Tables } from './kept-block.ts';
import type { Model } from './types.ts';

export interface KvCacheOptions {
  /**
   * Positions that all sequences and kept prefixes together may fill; each rounds up to whole blocks of 64.
   * Default: the model's maximum context.
   */
  readonly maxTokens?: number;
  /** Blocks of the layers with a window. Default: as many as `maxTokens` needs, which can never be too few. */
  readonly maxSlidingBlocks?: number;
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
 *     const block = sequence.keep(0); // outlives the sequence
 *     sequence.release();
 *     const other = cache.open([block], 2); // goes on after the first two ids
 */
export class KvCache {
  readonly full: BlockPool;
  readonly sliding: BlockPool;
  /** Per layer of the model. */
  readonly places: readonly LayerPlace[];
  readonly slidingWindow: number;
  readonly maxContextLength: number;

  constructor(model: Pick<Model, 'config' | 'backend'> & Partial<Pick<Model, 'kvBits'>>, options: KvCacheOptions = {}) {
    const { config, backend, kvBits = 16 } = model;
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
    const pool = (layers: number, limit: number) => {
      const shape = {
        layers,
        kvHeads: config.numKeyValueHeads,
        headDim: config.headDim,
        blockSize: KV_BLOCK,
        bits: kvBits,
      };
      return new BlockPool(layers > 0 ? backend.allocateKv(shape) : undefined, limit);
    };
    this.full = pool(counts.full, limit);
    this.sliding = pool(counts.sliding, Math.min(limit, options.maxSlidingBlocks ?? limit));
    this.slidingWindow = Math.max(0, ...config.windows);
    this.maxContextLength = config.maxContextLength;
  }

  /**
   * A new sequence, empty or going on after the first `length` positions of kept blocks: it shares the whole ones and copies
   * the begun one, for which there must be room (`engine/context-full`). Windows must be kept from `firstVisibleBlock(length)` on.
   */
  open(kept: readonly KeptBlock[] = [], length = kept.length * KV_BLOCK): Sequence {
    return new Sequence(this, kept, length);
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

  /** The same keys and values in a block of its own, with one owner. Throws `engine/context-full` when there is no room. */
  copyBlock({ full, sliding }: KeptBlock): { readonly full: number; readonly sliding: number } {
    this.full.reserve(1);
    this.sliding.reserve(1);
    const copy = { full: this.full.take(), sliding: this.sliding.take() };
    this.full.storage?.copy(full, copy.full);
    this.sliding.storage?.copy(sliding, copy.sliding);
    return copy;
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

/** The tokens of one conversation as the cache sees them: a length, and where their keys and values lie. */
export class Sequence {
  readonly cache: KvCache;
  readonly #tables: Tables;
  #length: number;
  /** How far `retreat` may go: the length before the last `extend`, or what a prefix was kept of since. */
  #floor: number;
  #released = false;

  /** Use `cache.open()`. */
  constructor(cache: KvCache, kept: readonly KeptBlock[], length: number) {
    checkKept(cache, kept, length);
    const whole = Math.floor(length / KV_BLOCK);
    const first = cache.firstVisibleBlock(whole * KV_BLOCK);
    const tables = {
      full: kept.slice(0, whole).map(({ full }) => full),
      sliding: kept.slice(0, whole).map(({ sliding }, i) => (i < first ? HOLE : sliding)),
    };
    const begun = kept[whole];
    if (begun) {
      const copy = cache.copyBlock(begun);
      tables.full.push(copy.full);
      tables.sliding.push(copy.sliding);
    }
    share(cache, { full: tables.full.slice(0, whole), sliding: tables.sliding.slice(0, whole) });
    this.cache = cache;
    this.#tables = tables;
    this.#length = length;
    this.#floor = length;
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

  /**
   * Keeps block `index`, whole or begun, for sequences that begin alike. What is in it now may not be forgotten any more;
   * behind that this sequence goes on writing.
   */
  keep(index: number): KeptBlock {
    this.#assertOpen('keep a block of');
    const { full, sliding } = this.#tables;
    if (!(index in full)) throw new RangeError(`Cannot keep block ${index} of ${full.length}`);
    this.#floor = Math.max(this.#floor, Math.min(this.#length, (index + 1) * KV_BLOCK));
    return new KeptBlock(this.cache, full[index]!, sliding[index]!);
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

  /** Drops sliding blocks that no query can see: neither the next one nor another from the begun block on. */
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
