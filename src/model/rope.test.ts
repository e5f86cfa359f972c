import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ropeAngles, yarn } from './rope.ts';

const gptOss = {
  headDim: 64,
  ropeTheta: 150_000,
  ropeScalingFactor: 32,
  ropeBetaSlow: 1,
  ropeBetaFast: 32,
  initialContextLength: 4096,
};

test('frequencies of gpt-oss blend between dimensions 8.09 and 17.40, whose ends are not rounded', () => {
  const { inverseFrequencies, concentration } = yarn(gptOss);
  assert.equal(inverseFrequencies.length, 32);
  const expected = {
    0: 1,
    9: 3.170569618e-2,
    13: 3.860359317e-3,
    17: 1.293187012e-4,
    18: 3.830881237e-5,
    31: 3.023511428e-7,
  };
  for (const [i, value] of Object.entries(expected)) {
    const found = inverseFrequencies[Number(i)]!;
    assert.ok(Math.abs(found / value - 1) < 3e-7, `inverse frequency ${i} is ${found}, expected ${value}`); // 2 roundings and a pow of f32
  }
  assert.ok(Math.abs(concentration - 1.3465735902799727) < 1e-15);
});

test('dimensions up to 8 turn as trained, dimensions from 18 on 32 times slower', () => {
  const scaled = yarn(gptOss).inverseFrequencies;
  const plain = yarn({ ...gptOss, ropeScalingFactor: 1 }).inverseFrequencies;
  for (let i = 0; i <= 8; i++) assert.equal(scaled[i], plain[i]);
  for (let i = 18; i < 32; i++) assert.ok(Math.abs((scaled[i]! * 32) / plain[i]! - 1) < 3e-7);
});

test('a factor of 1 is plain RoPE without concentration', () => {
  const { inverseFrequencies, concentration } = yarn({ ...gptOss, headDim: 16, ropeScalingFactor: 1 });
  assert.equal(concentration, 1);
  assert.deepEqual(
    [...inverseFrequencies],
    Array.from({ length: 8 }, (_, i) => Math.fround(1 / Math.fround(150_000 ** (i / 8)))),
  );
});

test('angles are products in f32, scaled by the concentration, and position 0 does not turn', () => {
  const rope = yarn(gptOss);
  const { cos, sin } = ropeAngles(rope, Int32Array.of(0, 131_071, 7));
  assert.equal(cos.length, 3 * 32);
  const concentration = Math.fround(rope.concentration);
  assert.deepEqual([...cos.subarray(0, 32)], Array(32).fill(concentration));
  assert.deepEqual([...sin.subarray(0, 32)], Array(32).fill(0));
  const angle = Math.fround(131_071 * rope.inverseFrequencies[1]!);
  assert.notEqual(angle, 131_071 * rope.inverseFrequencies[1]!); // in f64 it would be another angle
  assert.equal(cos[32 + 1], Math.fround(Math.cos(angle) * rope.concentration));
  assert.equal(sin[32 + 1], Math.fround(Math.sin(angle) * rope.concentration));
});
