/** Made-up weights for the tests of this folder. */
import { f32ToBf16, f32ToF16, type HostTensor } from '../../tensor/index.ts';
import type { KvView } from '../backend.ts';

/** Numbers from a seed, in [−1, 1). */
export function noise(seed: number): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

export function randomMatrix(seed: number, rows: number, cols: number): Float32Array {
  const next = noise(seed);
  return Float32Array.from({ length: rows * cols }, next);
}

/** A dense weight of any float dtype. */
export function dense(label: string, dtype: 'f32' | 'f16' | 'bf16', shape: number[], values: Float32Array): HostTensor {
  const size = dtype === 'f32' ? 4 : 2;
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    if (dtype === 'f32') view.setFloat32(i * 4, value, true);
    else view.setUint16(i * 2, dtype === 'f16' ? f32ToF16(value) : f32ToBf16(value), true);
  });
  return { label, dtype, shape, data: { bytes, offset: 0, strides: strides(shape, size) } };
}

/** A stack of MXFP4 experts with random codes and scales. */
export function mxfp4(
  label: string,
  seed: number,
  shape: [number, number, number],
  nibbles: 'pairs' | 'halves',
): HostTensor {
  const next = noise(seed);
  const [experts, rows, cols] = shape;
  const blocks = cols / 32;
  const bytes = Uint8Array.from({ length: experts * rows * blocks * 16 }, () => (next() + 1) * 128);
  const scales = Uint8Array.from({ length: experts * rows * blocks }, () => 122 + (next() + 1) * 3);
  return {
    label,
    dtype: 'mxfp4',
    shape,
    nibbles,
    data: { bytes, offset: 0, strides: [rows * blocks * 16, blocks * 16, 16] },
    scales: { bytes: scales, offset: 0, strides: [rows * blocks, blocks, 1] },
  };
}

/** One sequence whose tokens stand from `start` on, in blocks of 64 taken in order. */
export function oneSequence(start: number, tokens: number): KvView {
  const width = Math.ceil((start + tokens) / 64);
  return {
    positions: Int32Array.from({ length: tokens }, (_, i) => start + i),
    sequences: new Int32Array(tokens),
    tables: Int32Array.from({ length: width }, (_, i) => i),
    tableWidth: width,
  };
}

function strides(shape: readonly number[], size: number): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, count) => product * count, size));
}
