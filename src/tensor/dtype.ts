/**
 * Element types of weights.
 *
 * - `f32`, `f16`, `bf16`: one element at a time.
 * - `q8_0`: 32 int8 codes behind one f16 scale, 34 bytes a block (GGUF type 8).
 * - `q8`: 32 int8 codes behind one f32 scale, 36 bytes a block (made by backends from dense weights).
 * - `mxfp4`: 32 four-bit codes that share one power-of-two scale; see mxfp4.ts.
 */
export type DType = 'f32' | 'f16' | 'bf16' | 'q8_0' | 'q8' | 'mxfp4';

/** Columns of a block in every blocked dtype. */
export const BLOCK = 32;

/** Bytes of the smallest addressable piece: an element, or a block's codes (without MXFP4's scale, which is a view of its own). */
export function blockBytes(dtype: DType): number {
  return { f32: 4, f16: 2, bf16: 2, q8_0: 34, q8: 36, mxfp4: 16 }[dtype];
}

export function isBlocked(dtype: DType): boolean {
  return dtype === 'q8_0' || dtype === 'q8' || dtype === 'mxfp4';
}
