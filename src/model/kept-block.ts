import { HOLE, KV_BLOCK } from './block-pool.ts';
import type { KvCache } from './kvcache.ts';

/** Block ids by index of the block; both tables have the same length, the sliding one has holes where blocks were dropped. */
export interface Tables {
  readonly full: number[];
  readonly sliding: number[];
}

/** A share of one block of a sequence, so that others can begin with it: its full layers, and its sliding ones until they are dropped. */
export class KeptBlock {
  readonly cache: KvCache;
  readonly full: number;
  #sliding: number;
  #released = false;

  /** Use `sequence.keep()`. */
  constructor(cache: KvCache, full: number, sliding: number) {
    this.cache = cache;
    this.full = full;
    this.#sliding = sliding;
    share(cache, { full: [full], sliding: [sliding] });
  }

  get sliding(): number {
    return this.#sliding;
  }

  get released(): boolean {
    return this.#released;
  }

  /** Whether the sliding layers still have it. */
  get hasWindow(): boolean {
    return this.#sliding !== HOLE;
  }

  /** Whether somebody else holds it too, so that giving it back frees nothing. */
  get shared(): boolean {
    return this.cache.full.numOwners(this.full) > 1;
  }

  /** Whether both are shares of the same block. */
  equals(other: unknown): boolean {
    return other instanceof KeptBlock && other.cache === this.cache && other.full === this.full;
  }

  /** Gives back the share of the sliding layers alone. */
  dropWindow(): void {
    if (this.hasWindow) this.cache.sliding.release(this.#sliding);
    this.#sliding = HOLE;
  }

  /** Gives the share back; sequences that use the block keep theirs. Harmless when repeated. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.dropWindow();
    this.cache.full.release(this.full);
  }
}

/** Throws a TypeError or RangeError for blocks after which no sequence can go on. */
export function checkKept(cache: KvCache, kept: readonly KeptBlock[], length: number): void {
  if (!Number.isSafeInteger(length) || length < 0 || Math.ceil(length / KV_BLOCK) !== kept.length) {
    throw new RangeError(`Cannot open a sequence of ${length} positions from ${kept.length} blocks`);
  }
  const first = cache.firstVisibleBlock(length);
  kept.forEach((block, i) => {
    const problem = block.released
      ? 'that was released'
      : block.cache !== cache
        ? 'of another cache'
        : i >= first && !block.hasWindow
          ? 'whose window was dropped'
          : undefined;
    if (problem) throw new TypeError(`Cannot open a sequence from a block ${problem}`);
  });
}

export function share(cache: KvCache, tables: Tables): void {
  for (const id of tables.full) cache.full.share(id);
  for (const id of tables.sliding) if (id !== HOLE) cache.sliding.share(id);
}

export function giveBack(cache: KvCache, tables: Tables): void {
  for (const id of tables.full) cache.full.release(id);
  for (const id of tables.sliding) if (id !== HOLE) cache.sliding.release(id);
}
