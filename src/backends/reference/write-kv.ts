import { BLOCK } from '../../tensor/index.ts';
import type { KvView } from '../backend.ts';
import type { ReferenceKvPool } from './kv-pool.ts';
import { roundEven } from './quantize.ts';

/** Puts each token's keys and values where its sequence's table says. k, v [tokens, kvHeads * headDim] */
export function writeKv(pool: ReferenceKvPool, layer: number, k: Float32Array, v: Float32Array, view: KvView): void {
  const { kvHeads, headDim, blockSize, bits } = pool.shape;
  const put = bits === 8 ? putRounded : putExact;
  view.positions.forEach((position, token) => {
    const index = Math.floor(position / blockSize);
    const block = pool.block(view.tables[view.sequences[token]! * view.tableWidth + index]!);
    for (let head = 0; head < kvHeads; head++) {
      const start = (token * kvHeads + head) * headDim;
      put(k.subarray(start, start + headDim), block, pool.at(layer, 0, head, position % blockSize));
      put(v.subarray(start, start + headDim), block, pool.at(layer, 1, head, position % blockSize));
    }
  });
}

function putExact(row: Float32Array, block: Float32Array, at: number): void {
  block.set(row, at);
}

/** What 8 bits keep of a row, 32 values at a time: whole multiples of a scale. */
function putRounded(row: Float32Array, block: Float32Array, at: number): void {
  for (let start = 0; start < row.length; start += BLOCK) {
    const values = row.subarray(start, start + BLOCK);
    const scale = bf16Up(values.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127);
    values.forEach((x, i) => {
      const code = Math.min(127, Math.max(-127, roundEven(Math.fround(x / scale))));
      block[at + start + i] = scale === 0 ? 0 : code * scale;
    });
  }
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The next bf16 that is not smaller; NaN of what is not finite. */
function bf16Up(x: number): number {
  float[0] = x;
  if (!Number.isFinite(float[0])) return Number.NaN;
  bits[0] = ((bits[0]! + 0xffff) & 0xffff0000) >>> 0;
  return float[0]!;
}
