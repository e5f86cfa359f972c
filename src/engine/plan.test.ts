import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planStep } from './plan.ts';

const budget = { alone: 100, besideDecode: 20 };

test('a lone prompt takes the whole budget', () => {
  assert.deepEqual(planStep([730], budget), [100]);
});

test('decoding sequences shrink the budget of the others', () => {
  assert.deepEqual(planStep([1, 730, 1], budget), [1, 20, 1]);
});

test('prompts share evenly, and what a short one leaves goes to the long ones', () => {
  assert.deepEqual(planStep([730, 11, 500], budget), [45, 11, 44]);
});

test('every sequence moves, none beyond its end, and the budget holds unless there are more sequences than it counts', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 50 }),
      (remaining, size) => {
        const counts = planStep(remaining, { alone: size, besideDecode: size });
        assert.ok(counts.every((count, i) => count >= 1 && count <= remaining[i]!));
        const prefilled = counts.reduce((sum, count, i) => sum + (remaining[i]! > 1 ? count : 0), 0);
        const prompts = remaining.filter((left) => left > 1).length;
        assert.ok(prefilled <= Math.max(size, prompts));
      },
    ),
  );
});
