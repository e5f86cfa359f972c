import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeWeight, randomRows } from '../conformance/weights.ts';
import { linear } from './linear.ts';
import { toQ8 } from './quantize.ts';
import { MemoryBudget, ReferenceWeight } from './weight.ts';

test('a weight too large to keep widened gives the same bits, read a panel of rows at a time', () => {
  const { tensor } = makeWeight(1, 'bf16', [777, 96], 'every other row');
  const x = randomRows(2, 5, 96);
  const [kept, streamed] = [new Float32Array(5 * 777), new Float32Array(5 * 777)];
  linear(x, new ReferenceWeight(tensor, new MemoryBudget(1e9)), undefined, kept);
  linear(x, new ReferenceWeight(tensor, new MemoryBudget(0)), undefined, streamed);
  assert.deepEqual(streamed, kept);
  assert.ok(kept.some((value) => value !== 0));
});

test('a budget keeps what fits, refuses what does not, and is whole again when cleared', () => {
  const budget = new MemoryBudget(10e6);
  const store = new Map([[0, new Float32Array(1)]]);
  assert.ok(budget.take(6e6, store));
  assert.ok(!budget.take(6e6, store));
  assert.ok(budget.take(3e6, store));
  budget.clear();
  assert.equal(store.size, 0);
  assert.ok(budget.take(10e6, store));
});

test('panels begin at any row of any expert', () => {
  const { tensor, values } = makeWeight(3, 'mxfp4', [3, 37, 64], 'behind scales');
  for (const budget of [0, 1e9]) {
    const weight = new ReferenceWeight(tensor, new MemoryBudget(budget));
    const { values: found, offset } = weight.read(2, 5, 7);
    const expected = values.subarray((2 * 37 + 5) * 64, (2 * 37 + 12) * 64);
    assert.deepEqual([...found.subarray(offset, offset + 7 * 64)], [...expected]);
  }
});

test('only dense matrices in whole blocks become 8-bit codes', () => {
  const stays = [
    makeWeight(4, 'bf16', [64]),
    makeWeight(5, 'bf16', [3, 45]),
    makeWeight(6, 'bf16', [3, 5, 64]),
    makeWeight(7, 'q8_0', [3, 64]),
  ];
  for (const { tensor } of stays) assert.equal(toQ8(tensor), tensor);
  assert.equal(toQ8(makeWeight(8, 'f16', [3, 64]).tensor).dtype, 'q8');
});
