import assert from 'node:assert/strict';
import { test } from 'node:test';
import { f32ToBf16, f32ToF16 } from './float.ts';
import { unpackMxfp4 } from './mxfp4.ts';
import { extent, type HostTensor, readRow, slice } from './view.ts';

function row(tensor: HostTensor, ...index: number[]): number[] {
  const out = new Float32Array(tensor.shape[tensor.shape.length - 1]!);
  readRow(tensor, index, out);
  return [...out];
}

function packed(bytes: Uint8Array, strides: number[], offset = 0) {
  return { bytes, offset, strides };
}

test('dense rows are read at any offset and stride', () => {
  const values = Array.from({ length: 3 * 7 }, (_, i) => i - 4.5);
  const bytes = new Uint8Array(1 + values.length * 2); // odd: bytes of files are not aligned
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => void view.setUint16(1 + i * 2, f32ToBf16(value), true));
  const tensor: HostTensor = { label: 't', dtype: 'bf16', shape: [3, 7], data: packed(bytes, [14, 2], 1) };
  assert.deepEqual(row(tensor, 2), values.slice(14, 21));
  const odd = slice(tensor, 1, 1, 7, 2);
  assert.deepEqual(odd.shape, [3, 3]);
  assert.deepEqual(row(odd, 1), [values[8], values[10], values[12]]);
});

test('both nibble orders of MXFP4 give the same weights', () => {
  const codes = Array.from({ length: 32 }, (_, i) => (i * 7) % 16);
  const pairs = Uint8Array.from({ length: 16 }, (_, j) => codes[2 * j]! | (codes[2 * j + 1]! << 4));
  const halves = Uint8Array.from({ length: 16 }, (_, j) => codes[j]! | (codes[j + 16]! << 4));
  const scale = Uint8Array.of(125);
  const base = { label: 't', dtype: 'mxfp4', shape: [1, 32], scales: packed(scale, [1, 1]) } as const;
  const expected = [...unpackMxfp4(pairs, scale)];
  assert.deepEqual(row({ ...base, data: packed(pairs, [16, 16]), nibbles: 'pairs' }, 0), expected);
  assert.deepEqual(row({ ...base, data: packed(halves, [16, 16]), nibbles: 'halves' }, 0), expected);
  assert.equal(expected[1], 6 / 4); // code 7 at 2^(125 − 127)
});

test('every other row of an interleaved stack is a view', () => {
  const bytes = Uint8Array.from({ length: 2 * 6 * 3 }, (_, i) => i); // [experts 2, rows 6, blocks 3] of scales only
  const tensor: HostTensor = {
    label: 't',
    dtype: 'mxfp4',
    shape: [2, 6, 96],
    data: packed(new Uint8Array(2 * 6 * 48), [6 * 48, 48, 16]),
    scales: packed(bytes, [18, 3, 1]),
    nibbles: 'pairs',
  };
  const linear = slice(tensor, 1, 1, 6, 2);
  assert.deepEqual(linear.shape, [2, 3, 96]);
  assert.equal(linear.scales!.offset, 3);
  assert.deepEqual(linear.scales!.strides, [18, 6, 1]);
  assert.equal(extent(linear.scales!, [2, 3, 3], 1), bytes.length);
});

test('8-bit blocks carry an f16 scale in q8_0 and an f32 scale in q8', () => {
  const codes = Int8Array.from({ length: 32 }, (_, i) => i * 8 - 128);
  for (const [dtype, head] of [
    ['q8_0', 2],
    ['q8', 4],
  ] as const) {
    const bytes = new Uint8Array(head + 32);
    const view = new DataView(bytes.buffer);
    if (dtype === 'q8_0') view.setUint16(0, f32ToF16(0.25), true);
    else view.setFloat32(0, 0.25, true);
    bytes.set(new Uint8Array(codes.buffer), head);
    const tensor: HostTensor = { label: 't', dtype, shape: [1, 32], data: packed(bytes, [head + 32, head + 32]) };
    assert.deepEqual(
      row(tensor, 0),
      [...codes].map((code) => code / 4),
    );
  }
});

test('a cut inside a block is refused', () => {
  const tensor: HostTensor = { label: 't', dtype: 'q8', shape: [1, 64], data: packed(new Uint8Array(72), [72, 36]) };
  assert.throws(() => slice(tensor, 1, 0, 33), RangeError);
  assert.deepEqual(slice(tensor, 1, 32, 64).data.offset, 36);
});
