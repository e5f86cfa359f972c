import type { FileDType } from './checkpoint.ts';

/** How a type lies in a file: `blockBits` bits hold `blockElements` consecutive elements of the last axis. */
export interface DTypeLayout {
  readonly dtype: FileDType;
  readonly blockElements: number;
  readonly blockBits: number;
}

/** The dtypes of safetensors (huggingface/safetensors, `Dtype`), by the name that headers use. */
export const safetensorsTypes: ReadonlyMap<string, DTypeLayout> = new Map(
  (
    [
      ['BOOL', 8],
      ['F4', 4],
      ['F6_E2M3', 6],
      ['F6_E3M2', 6],
      ['U8', 8],
      ['I8', 8],
      ['F8_E5M2', 8],
      ['F8_E4M3', 8],
      ['F8_E8M0', 8],
      ['F8_E4M3FNUZ', 8],
      ['F8_E5M2FNUZ', 8],
      ['I16', 16],
      ['U16', 16],
      ['F16', 16],
      ['BF16', 16],
      ['I32', 32],
      ['U32', 32],
      ['F32', 32],
      ['C64', 64],
      ['F64', 64],
      ['I64', 64],
      ['U64', 64],
    ] as const
  ).map(([name, bits]) => [name, { dtype: name.toLowerCase(), blockElements: 1, blockBits: bits }]),
);

/**
 * GGUF's tensor types by id, named as ggml names them (`enum ggml_type`; block sizes from ggml-common.h). Id 4 was
 * ggml's Q4_2, gone before GGUF began; Ollama's first gpt-oss files use it for MXFP4 with nibbles in Hugging Face's order.
 */
export const ggmlTypes: ReadonlyMap<number, DTypeLayout> = new Map(
  (
    [
      [0, 'f32', 1, 4],
      [1, 'f16', 1, 2],
      [2, 'q4_0', 32, 18],
      [3, 'q4_1', 32, 20],
      [4, 'mxfp4_pairs', 32, 17],
      [6, 'q5_0', 32, 22],
      [7, 'q5_1', 32, 24],
      [8, 'q8_0', 32, 34],
      [9, 'q8_1', 32, 36],
      [10, 'q2_K', 256, 84],
      [11, 'q3_K', 256, 110],
      [12, 'q4_K', 256, 144],
      [13, 'q5_K', 256, 176],
      [14, 'q6_K', 256, 210],
      [15, 'q8_K', 256, 292],
      [16, 'iq2_xxs', 256, 66],
      [17, 'iq2_xs', 256, 74],
      [18, 'iq3_xxs', 256, 98],
      [19, 'iq1_s', 256, 50],
      [20, 'iq4_nl', 32, 18],
      [21, 'iq3_s', 256, 110],
      [22, 'iq2_s', 256, 82],
      [23, 'iq4_xs', 256, 136],
      [24, 'i8', 1, 1],
      [25, 'i16', 1, 2],
      [26, 'i32', 1, 4],
      [27, 'i64', 1, 8],
      [28, 'f64', 1, 8],
      [29, 'iq1_m', 256, 56],
      [30, 'bf16', 1, 2],
      [31, 'q4_0_4_4', 32, 18],
      [32, 'q4_0_4_8', 32, 18],
      [33, 'q4_0_8_8', 32, 18],
      [34, 'tq1_0', 256, 54],
      [35, 'tq2_0', 256, 66],
      [36, 'iq4_nl_4_4', 32, 18],
      [37, 'iq4_nl_4_8', 32, 18],
      [38, 'iq4_nl_8_8', 32, 18],
      [39, 'mxfp4', 32, 17],
      [40, 'nvfp4', 64, 36],
      [41, 'q1_0', 128, 18],
    ] as const
  ).map(([id, dtype, blockElements, bytes]) => [id, { dtype, blockElements, blockBits: bytes * 8 }]),
);

/**
 * Bytes of a tensor. Undefined when the last axis does not end with a block, the bits do not fill whole bytes, or
 * the number is beyond what a double counts exactly (which no file reaches).
 */
export function sizeBytes({ blockElements, blockBits }: DTypeLayout, shape: readonly number[]): number | undefined {
  if ((shape.at(-1) ?? 1) % blockElements !== 0) return undefined;
  const bits = shape.reduce((product, size) => product * BigInt(size), BigInt(blockBits)) / BigInt(blockElements);
  const bytes = bits / 8n;
  return bits % 8n === 0n && bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : undefined;
}
