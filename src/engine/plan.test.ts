import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planStep } from './plan.ts';

const budget = { alone: 100, besideDecode: 20 };

const prompt = (remaining: number) => ({ remaining, decoding: false });
const decoding = (remaining = 1) => ({ remaining, decoding: true });

test('a lone prompt takes the whole budget', () => {
  assert.deepEqual(planStep([prompt(730)], budget), [100]);
});

test('decoding sequences shrink the budget of the others', () => {
  assert.deepEqual(planStep([decoding(), prompt(730), decoding()], budget), [1, 20, 1]);
});

test('prompts share evenly, and what a short one leaves goes to the long ones', () => {
  assert.deepEqual(planStep([730, 11, 500].map(prompt), budget), [45, 11, 44]);
});

test('the last id of a prompt does not make it one that waits for a token', () => {
  assert.deepEqual(planStep([prompt(1), prompt(730)], budget), [1, 100]);
});

test('forced ids are computed at once, before prompts, and as many as the budget allows', () => {
  assert.deepEqual(planStep([prompt(9), decoding(15), prompt(500)], budget), [2, 15, 3]);
  assert.deepEqual(planStep([decoding(), decoding(300), prompt(500)], budget), [1, 20, 1]);
  assert.deepEqual(planStep([decoding(300)], budget), [100]);
});

test('every sequence moves, none beyond its end, and the budget holds unless there are more sequences than it counts', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ remaining: fc.integer({ min: 1, max: 300 }), decoding: fc.boolean() }), {
        minLength: 1,
        maxLength: 30,
      }),
      fc.integer({ min: 1, max: 50 }),
      (sequences, size) => {
        const counts = planStep(sequences, { alone: size, besideDecode: size });
        assert.ok(counts.every((count, i) => count >= 1 && count <= sequences[i]!.remaining));
        const long = counts.filter((_, i) => sequences[i]!.remaining > 1);
        assert.ok(long.reduce((sum, count) => sum + count, 0) <= size + long.length);
      },
    ),
  );
});
