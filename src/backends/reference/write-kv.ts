import type { KvView } from '../backend.ts';
import type { ReferenceKvPool } from './kv-pool.ts';

/** Puts each token's keys and values where its sequence's table says. k, v [tokens, kvHeads * headDim] */
export function writeKv(pool: ReferenceKvPool, layer: number, k: Float32Array, v: Float32Array, view: KvView): void {
  const { kvHeads, headDim, blockSize } = pool.shape;
  view.positions.forEach((position, token) => {
    const index = Math.floor(position / blockSize);
    const block = pool.block(view.tables[view.sequences[token]! * view.tableWidth + index]!);
    for (let head = 0; head < kvHeads; head++) {
      const start = (token * kvHeads + head) * headDim;
      block.set(k.subarray(start, start + headDim), pool.at(layer, 0, head, position % blockSize));
      block.set(v.subarray(start, start + headDim), pool.at(layer, 1, head, position % blockSize));
    }
  });
}
