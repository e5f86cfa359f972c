import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bf16ToF32, e8m0ToF32, f16ToF32, f32ToBf16, f32ToF16 } from './float.ts';

test('every half survives widening and rounding back', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = f16ToF32(bits);
    if (Number.isNaN(value)) assert.ok(Number.isNaN(f16ToF32(f32ToF16(value))));
    else assert.equal(f32ToF16(value), bits, `0x${bits.toString(16)}`);
  }
});

test('every bfloat16 survives widening and rounding back', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = bf16ToF32(bits);
    if (Number.isNaN(value)) assert.ok(Number.isNaN(bf16ToF32(f32ToBf16(value))));
    else assert.equal(f32ToBf16(value), bits, `0x${bits.toString(16)}`);
  }
});

test('halfway values round to even, and a carry moves the exponent', () => {
  assert.equal(f32ToF16(1 + 2 ** -11), 0x3c00);
  assert.equal(f32ToF16(1 + 3 * 2 ** -11), 0x3c02);
  assert.equal(f32ToF16(2 - 2 ** -11), 0x4000);
  assert.equal(f32ToF16(2 ** -14 - 2 ** -25), 0x0400); // the largest subnormal and a half becomes the smallest normal
  assert.equal(f32ToBf16(1 + 2 ** -8), 0x3f80);
  assert.equal(f32ToBf16(1 + 3 * 2 ** -8), 0x3f82);
});

test('a half overflows to infinity from 65520 on', () => {
  assert.equal(f32ToF16(65519), 0x7bff);
  assert.equal(f32ToF16(65520), 0x7c00);
  assert.equal(f32ToF16(-1e30), 0xfc00);
});

test('an E8M0 byte is a power of two, and 255 is NaN', () => {
  assert.equal(e8m0ToF32(127), 1);
  assert.equal(e8m0ToF32(0), 2 ** -127);
  assert.equal(e8m0ToF32(254), 2 ** 127);
  assert.ok(Number.isNaN(e8m0ToF32(255)));
});
