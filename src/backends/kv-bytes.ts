import { BLOCK } from '../tensor/index.ts';
import type { KvBits } from './backend.ts';

/** Bytes that the `cpu` backend keeps of one key or value of one head: f16, or int8 codes with a bf16 scale per 32 of them. */
export function kvRowBytes(headDim: number, bits: KvBits): number {
  return bits === 8 ? headDim + 2 * Math.ceil(headDim / BLOCK) : 2 * headDim;
}
