import type { KvPool } from '../backends/index.ts';
import { OssiaError } from '../base/index.ts';

/** Positions in a block. Attention walks whole blocks in order, so this is also a unit of the canonical arithmetic. */
export const KV_BLOCK = 64;

/** Where nothing is kept. */
export const HOLE = -1;

/** Blocks added the first time a pool grows; from there it grows by half, so that filling it copies little. */
const FIRST_BLOCKS = 8;

/**
 * Block ids with reference counts over a backend's KV pool. Memory is allocated as ids are needed, up to `limit` blocks.
 */
export class BlockPool {
  /** Undefined where the model has no layer of this kind: ids are then counted and nothing is stored. */
  readonly storage: KvPool | undefined;
  readonly limit: number;
  #size = 0;
  readonly #free: number[] = [];
  readonly #owners: number[] = [];

  constructor(storage: KvPool | undefined, limit: number) {
    this.storage = storage;
    this.limit = limit;
  }

  get numUsed(): number {
    return this.#size - this.#free.length;
  }

  get bytesAllocated(): number {
    return this.#size * (this.storage?.bytesPerBlock ?? 0);
  }

  get bytesCapacity(): number {
    return this.limit * (this.storage?.bytesPerBlock ?? 0);
  }

  get bytesUsed(): number {
    return this.numUsed * (this.storage?.bytesPerBlock ?? 0);
  }

  /** Makes sure that the next `count` calls of `take` succeed, or throws and changes nothing. */
  reserve(count: number): void {
    const needed = this.numUsed + count;
    if (needed > this.limit) {
      throw new OssiaError(
        'engine/context-full',
        `Cannot take ${count} more blocks of the KV cache: ${this.numUsed} of ${this.limit} are in use`,
        { details: { needed, limit: this.limit } },
      );
    }
    if (needed <= this.#size) return;
    const size = Math.min(this.limit, Math.max(needed, FIRST_BLOCKS, Math.ceil(this.#size * 1.5)));
    this.storage?.grow(size);
    for (let id = size - 1; id >= this.#size; id--) this.#free.push(id); // the lowest id is taken first
    this.#size = size;
  }

  /** A block with one owner. Only after `reserve`. */
  take(): number {
    const id = this.#free.pop();
    if (id === undefined) throw new RangeError('Cannot take a block that was not reserved');
    this.#owners[id] = 1;
    return id;
  }

  /** One more owner, who may read the block and not write it. */
  share(id: number): void {
    this.#owners[id]! += 1;
  }

  release(id: number): void {
    const owners = this.#owners[id];
    if (!owners) throw new RangeError(`Cannot release block ${id}: nobody owns it`);
    this.#owners[id] = owners - 1;
    if (owners === 1) this.#free.push(id);
  }

  numOwners(id: number): number {
    return this.#owners[id] ?? 0;
  }
}
