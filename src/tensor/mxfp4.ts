import { BLOCK } from './dtype.ts';
import { e8m0ToF32 } from './float.ts';

/** E2M1 values by code; 8 is −0. (OCP Microscaling Formats 1.0, section 5.3.3) */
export const FP4_VALUES: readonly number[] = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];

/**
 * Unpacks MXFP4: blocks of 32 values that share one power-of-two scale.
 *
 * blocks  [rows, groups, 16]   two nibbles a byte, the low one first
 * scales  [rows, groups]       exponent biased by 127
 * returns [rows, groups * 32]
 *
 * Reference: gpt_oss/torch/weights.py, _get_mxfp4_tensor
 */
export function unpackMxfp4(blocks: Uint8Array, scales: Uint8Array): Float32Array {
  const out = new Float32Array(scales.length * BLOCK);
  for (let group = 0; group < scales.length; group++) {
    const scale = e8m0ToF32(scales[group]!);
    for (let j = 0; j < 16; j++) {
      const byte = blocks[group * 16 + j]!;
      out[group * BLOCK + 2 * j] = FP4_VALUES[byte & 15]! * scale;
      out[group * BLOCK + 2 * j + 1] = FP4_VALUES[byte >> 4]! * scale;
    }
  }
  return out;
}
