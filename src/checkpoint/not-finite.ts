import type { FileTensor } from './checkpoint.ts';

/**
 * Where a type keeps its exponents: in words of `width` bytes, at `start`, `start + step` …; all ones under `mask`
 * are NaN or infinity.
 */
export interface Exponents {
  readonly width: 1 | 2 | 4;
  readonly start: number;
  readonly step: number;
  readonly mask: number;
  readonly what: 'MXFP4 scales' | 'Q8_0 scales' | 'elements';
}

const separateScales: Exponents = { width: 1, start: 0, step: 1, mask: 0xff, what: 'MXFP4 scales' };
const blockScales: Exponents = { ...separateScales, step: 17 };
const exponents: Readonly<Record<string, Exponents>> = {
  mxfp4: blockScales,
  mxfp4_pairs: blockScales,
  q8_0: { width: 2, start: 0, step: 17, mask: 0x7c00, what: 'Q8_0 scales' },
  f16: { width: 2, start: 0, step: 1, mask: 0x7c00, what: 'elements' },
  bf16: { width: 2, start: 0, step: 1, mask: 0x7f80, what: 'elements' },
  f32: { width: 4, start: 0, step: 1, mask: 0x7f80_0000, what: 'elements' },
  f64: { width: 4, start: 1, step: 2, mask: 0x7ff0_0000, what: 'elements' },
};

/** Both safetensors layouts keep scales in bytes of their own: `…_scales` (Hugging Face), `….scales` (original). */
export function exponentsOf({ name, dtype }: FileTensor): Exponents | undefined {
  if (dtype === 'u8') return /[._]scales$/.test(name) ? separateScales : undefined;
  return exponents[dtype];
}

export interface Tally {
  bad: number;
  /** Index of the first bad one; −1 while there is none. */
  first: number;
  total: number;
}

/** Bytes of an element, or of a block; a piece must be a multiple of it. */
export function unitBytes({ width, step }: Exponents): number {
  return width * step;
}

/** Counts what is NaN or infinite in one more piece of a tensor. */
export function tally(piece: ArrayBuffer, exponents: Exponents, sum: Tally): void {
  const { width, start, step } = exponents;
  const words = width === 1 ? new Uint8Array(piece) : width === 2 ? new Uint16Array(piece) : new Uint32Array(piece);
  const next = (from: number): number => {
    if (words instanceof Uint8Array) return nextBad8(words, from, exponents);
    return words instanceof Uint16Array ? nextBad16(words, from, exponents) : nextBad32(words, from, exponents);
  };
  for (let i = next(start); i !== -1; i = next(i + step)) {
    if (sum.bad++ === 0) sum.first = sum.total + (i - start) / step;
  }
  sum.total += piece.byteLength / unitBytes(exponents);
}

// The same loop three times: V8 makes each fast for one type of array, and one that sees three is several times slower.

function nextBad8(words: Uint8Array, from: number, { step, mask }: Exponents): number {
  if (step === 1) return words.indexOf(mask, from);
  for (let i = from; i < words.length; i += step) if ((words[i]! & mask) === mask) return i;
  return -1;
}

function nextBad16(words: Uint16Array, from: number, { step, mask }: Exponents): number {
  for (let i = from; i < words.length; i += step) if ((words[i]! & mask) === mask) return i;
  return -1;
}

function nextBad32(words: Uint32Array, from: number, { step, mask }: Exponents): number {
  for (let i = from; i < words.length; i += step) if ((words[i]! & mask) === mask) return i;
  return -1;
}
