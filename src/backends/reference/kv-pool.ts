import { OssiaError } from '../../base/index.ts';
import type { KvPool, KvShape } from '../backend.ts';

/** Keys and values in f32, be they rounded to 8 bits or not; a block is an array of its own, [layers, 2, kvHeads, blockSize, headDim]. */
export class ReferenceKvPool implements KvPool {
  readonly shape: KvShape;
  readonly #blocks: Float32Array[] = [];

  constructor(shape: KvShape) {
    this.shape = shape;
  }

  get numBlocks(): number {
    return this.#blocks.length;
  }

  get bytesPerBlock(): number {
    const { layers, kvHeads, headDim, blockSize } = this.shape;
    return layers * 2 * kvHeads * blockSize * headDim * 4;
  }

  grow(numBlocks: number): void {
    const before = this.#blocks.length;
    try {
      while (this.#blocks.length < numBlocks) this.#blocks.push(new Float32Array(this.bytesPerBlock / 4));
    } catch (cause) {
      this.#blocks.length = before;
      const bytes = (numBlocks - before) * this.bytesPerBlock;
      throw new OssiaError('backend/out-of-memory', `Cannot allocate ${bytes} bytes of KV cache`, { cause });
    }
  }

  copy(from: number, to: number): void {
    this.block(to).set(this.block(from));
  }

  block(id: number): Float32Array {
    const block = this.#blocks[id];
    if (!block) throw new OssiaError('backend/bad-operand', `Cannot use KV block ${id} of ${this.#blocks.length}`);
    return block;
  }

  /** Where position `slot` of a block's keys (kind 0) or values (kind 1) begins; positions of a head lie one after the other. */
  at(layer: number, kind: 0 | 1, kvHead: number, slot: number): number {
    const { kvHeads, headDim, blockSize } = this.shape;
    return (((layer * 2 + kind) * kvHeads + kvHead) * blockSize + slot) * headDim;
  }

  dispose(): void {
    this.#blocks.length = 0;
  }
}
