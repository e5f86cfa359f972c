import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { philox, uniform } from './random.ts';

test('philox gives the known answers of Random123', () => {
  const hex = (words: readonly number[]) => words.map((word) => word.toString(16).padStart(8, '0')).join(' ');
  const ones = 0xffffffff;
  assert.equal(hex(philox([0, 0, 0, 0], [0, 0])), '6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  assert.equal(hex(philox([ones, ones, ones, ones], [ones, ones])), '408f276d 41c83b0e a20bc7c6 6d5451fd');
  assert.equal(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])),
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

test('uniform stays in [0, 1) and depends on every bit of seed and index', () => {
  const whole = fc.maxSafeNat();
  fc.assert(
    fc.property(whole, whole, fc.nat(52), (seed, index, bit) => {
      const u = uniform(seed, index);
      assert.ok(u >= 0 && u < 1);
      const flip = (value: number) => Number(BigInt(value) ^ (1n << BigInt(bit)));
      assert.notEqual(uniform(flip(seed), index), u);
      assert.notEqual(uniform(seed, flip(index)), u);
    }),
  );
});

test('uniform is even over ten bins', () => {
  const bins = new Array<number>(10).fill(0);
  const draws = 20_000;
  for (let i = 0; i < draws; i++) bins[Math.floor(uniform(7, i) * 10)]!++;
  const chiSquare = bins.reduce((sum, count) => sum + (count - draws / 10) ** 2 / (draws / 10), 0);
  assert.ok(chiSquare < 27.9, `chi² with 9 degrees of freedom is ${chiSquare}; one in a thousand exceeds 27.9`);
});
