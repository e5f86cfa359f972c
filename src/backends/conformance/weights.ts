/** Made-up operands whose values are known without reading them back through the code under test. */
import {
  BLOCK,
  bf16ToF32,
  blockBytes,
  type DType,
  FP4_VALUES,
  f16ToF32,
  f32ToBf16,
  f32ToF16,
  type HostTensor,
} from '../../tensor/index.ts';

/** Numbers from a seed, in [−1, 1). (xorshift32) */
export function random(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  };
}

export function randomRows(seed: number, rows: number, cols: number, spread = 1): Float32Array {
  const next = random(seed);
  return Float32Array.from({ length: rows * cols }, () => next() * spread);
}

export interface Known {
  readonly tensor: HostTensor;
  /** Row-major, whatever the layout of the bytes. */
  readonly values: Float64Array;
}

/**
 * How the bytes lie.
 * - `packed`: one row after the other.
 * - `every other row`: as the gate lies among the rows of gate and up, and not aligned to anything.
 * - `behind scales`: MXFP4 as in GGUF, 17 bytes a block, the scale first.
 * - `every third column`: dense only.
 */
export type Arrangement = 'packed' | 'every other row' | 'behind scales' | 'every third column';

/** Fills what belongs to nobody, so that reading it shows: 0xff is NaN in every float, and as a scale. */
const JUNK = 0xff;

interface Layout {
  readonly offset: number;
  readonly strides: number[];
  readonly sizeBytes: number;
}

/** Strides for pieces of `size` bytes that are `step` bytes apart. */
function layout(counts: readonly number[], size: number, step: number, rowGap: number, offset: number): Layout {
  const strides: number[] = [];
  let stride = step;
  for (let axis = counts.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= counts[axis]! * (axis === counts.length - 1 ? rowGap : 1);
  }
  const last = counts.reduce((at, count, axis) => at + (count - 1) * strides[axis]!, 0);
  return { offset, strides, sizeBytes: offset + last + size };
}

function arrange(counts: readonly number[], size: number, arrangement: Arrangement): Layout {
  switch (arrangement) {
    case 'packed':
      return layout(counts, size, size, 1, 0);
    case 'every other row':
      return layout(counts, size, size, 2, 3);
    case 'every third column':
      return layout(counts, size, 3 * size, 1, 5);
    case 'behind scales':
      return layout(counts, size, 17, 1, 1);
  }
}

/** Calls `put` for each piece of a tensor in row-major order, with the byte where it lies. */
function forEachPiece(
  counts: readonly number[],
  { offset, strides }: Layout,
  put: (at: number, index: number) => void,
): void {
  const total = counts.reduce((product, count) => product * count, 1);
  for (let index = 0; index < total; index++) {
    let [rest, at] = [index, offset];
    for (let axis = counts.length - 1; axis >= 0; axis--) {
      at += (rest % counts[axis]!) * strides[axis]!;
      rest = Math.floor(rest / counts[axis]!);
    }
    put(at, index);
  }
}

/** A weight of any dtype, with random values. */
export function makeWeight(
  seed: number,
  dtype: DType,
  shape: readonly number[],
  arrangement: Arrangement = 'packed',
): Known {
  if (dtype === 'mxfp4')
    return makeMxfp4(seed, shape, arrangement, arrangement === 'behind scales' ? 'halves' : 'pairs');
  if (dtype === 'q8' || dtype === 'q8_0') return makeQ8(seed, dtype, shape, arrangement);
  return fromValues(
    dtype,
    shape,
    randomRows(
      seed,
      1,
      shape.reduce((product, size) => product * size, 1),
    ),
    arrangement,
  );
}

/** A dense weight with given values, rounded to its dtype. */
export function fromValues(
  dtype: 'f32' | 'f16' | 'bf16',
  shape: readonly number[],
  given: ArrayLike<number>,
  arrangement: Arrangement = 'packed',
): Known {
  const place = arrange(shape, blockBytes(dtype), arrangement);
  const bytes = new Uint8Array(place.sizeBytes).fill(JUNK);
  const view = new DataView(bytes.buffer);
  const values = new Float64Array(given.length);
  forEachPiece(shape, place, (at, index) => {
    const value = given[index]!;
    if (dtype === 'f32') view.setFloat32(at, value, true);
    else view.setUint16(at, dtype === 'f16' ? f32ToF16(value) : f32ToBf16(value), true);
    values[index] =
      dtype === 'f32' ? Math.fround(value) : dtype === 'f16' ? f16ToF32(f32ToF16(value)) : bf16ToF32(f32ToBf16(value));
  });
  const label = `${dtype} ${arrangement}`;
  return { tensor: { label, dtype, shape, data: { bytes, offset: place.offset, strides: place.strides } }, values };
}

function makeQ8(seed: number, dtype: 'q8' | 'q8_0', shape: readonly number[], arrangement: Arrangement): Known {
  const next = random(seed);
  const counts = [...shape.slice(0, -1), shape.at(-1)! / BLOCK];
  const place = arrange(counts, blockBytes(dtype), arrangement);
  const bytes = new Uint8Array(place.sizeBytes).fill(JUNK);
  const view = new DataView(bytes.buffer);
  const values = new Float64Array(shape.reduce((product, size) => product * size, 1));
  forEachPiece(counts, place, (at, block) => {
    const scale = block % 7 === 3 ? 0 : Math.round((next() + 1.5) * 512) / 2 ** 16; // 11 bits: exact in a half
    if (dtype === 'q8') view.setFloat32(at, scale, true);
    else view.setUint16(at, f32ToF16(scale), true);
    for (let j = 0; j < BLOCK; j++) {
      const code = Math.round(next() * 127);
      view.setInt8(at + blockBytes(dtype) - BLOCK + j, code);
      values[block * BLOCK + j] = code * scale;
    }
  });
  const label = `${dtype} ${arrangement}`;
  return { tensor: { label, dtype, shape, data: { bytes, offset: place.offset, strides: place.strides } }, values };
}

function makeMxfp4(
  seed: number,
  shape: readonly number[],
  arrangement: Arrangement,
  nibbles: 'pairs' | 'halves',
): Known {
  const next = random(seed);
  const counts = [...shape.slice(0, -1), shape.at(-1)! / BLOCK];
  const place = arrange(counts, BLOCK / 2, arrangement);
  const together = arrangement === 'behind scales';
  const scalePlace = together ? { ...place, offset: 0 } : arrange(counts, 1, arrangement);
  const bytes = new Uint8Array(place.sizeBytes).fill(JUNK);
  const scales = together ? bytes : new Uint8Array(scalePlace.sizeBytes).fill(JUNK);
  const scaleAt: number[] = [];
  forEachPiece(counts, scalePlace, (at) => scaleAt.push(at));
  const values = new Float64Array(shape.reduce((product, size) => product * size, 1));
  forEachPiece(counts, place, (at, block) => {
    const scale = block % 5 === 2 ? 0 : 120 + Math.floor((next() + 1) * 4); // byte 0 is 2^-127: next to nothing
    scales[scaleAt[block]!] = scale;
    for (let j = 0; j < BLOCK / 2; j++) {
      const [low, high] = [Math.floor((next() + 1) * 8), Math.floor((next() + 1) * 8)]; // all 16 codes, −0 among them
      bytes[at + j] = low | (high << 4);
      const [first, second] = nibbles === 'pairs' ? [2 * j, 2 * j + 1] : [j, j + 16];
      values[block * BLOCK + first] = FP4_VALUES[low]! * 2 ** (scale - 127);
      values[block * BLOCK + second] = FP4_VALUES[high]! * 2 ** (scale - 127);
    }
  });
  const tensor: HostTensor = {
    label: `mxfp4 ${arrangement}`,
    dtype: 'mxfp4',
    shape,
    nibbles,
    data: { bytes, offset: place.offset, strides: place.strides },
    scales: { bytes: scales, offset: scalePlace.offset, strides: scalePlace.strides },
  };
  return { tensor, values };
}
