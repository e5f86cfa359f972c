import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { samplingKernels } from '../backends/index.ts';
import { type Cut, cutAfterCount, cutAfterMass, select, selectionScratch, sumOf } from './selection.ts';

const SIZE = 4096;
const scratch = selectionScratch(SIZE, samplingKernels());
const all = Int32Array.from({ length: SIZE }, (_, id) => id);

/** Some weights at some places, the rest as light as said. */
const sparse = fc
  .record({
    heavy: fc.array(fc.tuple(fc.nat(SIZE - 1), fc.constantFrom(1, 0.7, 0.3, 0.1, 0.1, 1e-200)), {
      minLength: 1,
      maxLength: 120,
    }),
    run: fc.nat(SIZE - 40), // where heavy ones stand side by side, in one block or two
    rest: fc.constantFrom(0, 0, 1e-300, 1e-12, 1e-9),
  })
  .map(({ heavy, run, rest }) => {
    const weights = new Float64Array(SIZE).fill(rest);
    for (const [id, weight] of heavy) weights[id] = weight;
    for (let i = 0; i < 40; i++) weights[run + i] = 0.1 + (i % 3) / 10;
    return weights;
  });

/** By quickselect over everything that weighs anything: what the shortcuts must not differ from. */
function plain(weights: Float64Array, enough: Parameters<typeof select>[2]): Cut {
  return select(
    weights,
    all.filter((id) => weights[id]! > 0),
    enough,
  );
}

test('the shortcut to the heaviest few finds the same cut, also where few blocks weigh anything', () => {
  fc.assert(
    fc.property(sparse, fc.integer({ min: 1, max: 60 }), (weights, count) => {
      assert.deepEqual(
        cutAfterCount(weights, count, scratch),
        plain(weights, (seen) => seen.count >= count),
      );
    }),
    { numRuns: 1000, seed: 1 },
  );
});

test('the shortcut by mass finds the same cut, also where the order of adding decides', () => {
  fc.assert(
    fc.property(sparse, fc.integer({ min: 1, max: 150 }), fc.integer({ min: -2, max: 2 }), (weights, count, ulps) => {
      // What the heaviest `count` weigh, added in yet another order, give or take a rounding.
      const heaviest = all.filter((id) => weights[id]! > 0).sort((a, b) => weights[b]! - weights[a]! || a - b);
      const total = sumOf(weights, all);
      const fraction = (sumOf(weights, heaviest.slice(0, count)) / total) * (1 + ulps * 2 ** -52);
      fc.pre(fraction > 0 && fraction < 1);
      const wanted = fraction * total;
      assert.deepEqual(
        cutAfterMass(weights, fraction, total, undefined, scratch),
        plain(weights, (seen) => seen.mass >= wanted),
      );
    }),
    { numRuns: 2000, seed: 1 },
  );
});
