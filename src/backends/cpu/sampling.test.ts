import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cpuMissing } from '../../../test/support/backends.ts';
import { samplingKernels } from '../index.ts';
import { referenceSampling } from '../reference/sampling.ts';
import type { SamplingKernels } from '../sampling.ts';
import { requireAddon } from './addon.ts';
import { instructionSets } from './machine.ts';
import { cpuSampling, weighsAsMathExp } from './sampling.ts';

/** Where Math.exp has other bits than the kernels, these are not used, and there is nothing to compare. */
const missing = await cpuMissing();
const skip = missing || (cpuSampling() ? false : 'Math.exp of this Node has other bits than the kernels');
const sets = (): [string, SamplingKernels][] => instructionSets().map((isa) => [isa, requireAddon().sampling(isa)]);

/** Doubles from a seed, in [0, 1). */
function random(seed: number): () => number {
  let state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 11n) / 2 ** 53;
  };
}

const special = [
  ...[0, 1, 2 ** -28, 2 ** -54, 2 ** -149, 2 ** -1074, Math.LN2 / 2, Math.LN2 * 1.5, Math.LN2, 20, 1e300, Infinity],
  ...[708.396418532264, 709.782712893384, 709.7827128933841, 710, 744.44, 745.1332191019411, 745.1332191019412, 746],
].flatMap((x) => [x, -x]);

/** The doubles around x. */
function neighbours(x: number, distance: number): number[] {
  const bits = new BigInt64Array(new Float64Array([x]).buffer);
  const start = bits[0]!;
  const values = new Float64Array(bits.buffer);
  if (!Number.isFinite(x) || x === 0) return [x];
  return Array.from({ length: 2 * distance + 1 }, (_, i) => {
    bits[0] = start + BigInt(i - distance);
    return values[0]!;
  });
}

/** Asserts that all of these exponentials have the bits of Math.exp. A double reaches the kernel as the scale of a row of 1s. */
function assertExponentials({ weigh }: SamplingKernels, isa: string, exponents: Iterable<number>): void {
  const weights = new Float64Array(1);
  const one = Float32Array.of(1);
  for (const x of exponents) {
    weigh(one, 0, x, weights);
    if (!Object.is(weights[0], Math.exp(x))) assert.fail(`${isa}: exp(${x}) is ${weights[0]}, not ${Math.exp(x)}`);
  }
}

test('the kernels give the bits of Math.exp, so that they are what the engine uses', {
  skip: missing,
}, () => {
  if (!['x64', 'arm64'].includes(process.arch)) return; // elsewhere whatever V8 does is right
  for (const [isa, kernels] of sets()) assert.ok(weighsAsMathExp(kernels), isa);
  assert.notEqual(samplingKernels(), referenceSampling);
});

test('e^x has the bits of Math.exp at every border of its cases', { skip }, () => {
  for (const [isa, kernels] of sets()) {
    assertExponentials(kernels, isa, [...special.flatMap((x) => neighbours(x, 40)), Number.NaN]);
    const multiples = Array.from({ length: 4400 }, (_, i) => (i - 2200) * (Math.LN2 / 2)); // where k changes, and where r is 0
    assertExponentials(
      kernels,
      isa,
      multiples.flatMap((x) => neighbours(x, 3)),
    );
  }
});

test('e^x has the bits of Math.exp over millions of differences of logits', { skip }, () => {
  const next = random(1);
  const size = 250_000;
  const rows: { row: Float32Array; max: number; scale: number }[] = [
    { row: Float32Array.from({ length: size }, () => -760 * next()), max: 0, scale: 1 },
    { row: Float32Array.from({ length: size }, () => 40 * next() - 20), max: 20, scale: 1 },
    { row: Float32Array.from({ length: size }, () => 40 * next() - 20), max: 20.0000001, scale: 1 / 0.7 },
    { row: Float32Array.from({ length: size }, () => 40 * next() - 20), max: 20, scale: 1 / 0.013 },
    { row: Float32Array.from({ length: size }, () => -37 * next()), max: 0, scale: 19.1 + next() }, // to subnormal results
    { row: Float32Array.from({ length: size }, () => 2 ** (-160 * next())), max: 0, scale: 1 },
    { row: Float32Array.from({ length: size }, () => 1500 * next() - 750), max: 0, scale: 1 },
    { row: new Float32Array(new Uint32Array(size).map(() => 2 ** 32 * next()).buffer), max: 0, scale: 1 / 3 },
  ];
  const weights = new Float64Array(size);
  for (const [isa, { weigh }] of sets()) {
    for (const { row, max, scale } of rows) {
      weigh(row, max, scale, weights);
      const wrong = weights.findIndex((weight, i) => {
        const below = row[i]! - max;
        return !Object.is(weight, below === 0 ? 1 : Math.exp(below * scale));
      });
      if (wrong >= 0) assert.fail(`${isa}: ${row[wrong]} less ${max}, times ${scale}, gives ${weights[wrong]}`);
    }
  }
});

test('one wrong last bit in a thousand is seen, and the kernels are not used', () => {
  assert.ok(weighsAsMathExp(referenceSampling));
  const off: SamplingKernels['weigh'] = (row, max, scale, weights) => {
    const sum = referenceSampling.weigh(row, max, scale, weights);
    for (let id = 500; weights && id < weights.length; id += 1000) weights[id]! *= 1 + 2 ** -52;
    return sum;
  };
  assert.equal(weighsAsMathExp({ weigh: off }), false);
});

/** Logits as models have them and as they do not: ties, infinities below, neighbours, giants, and no length in particular. */
const rows = fc
  .record({ size: fc.integer({ min: 1, max: 300 }), seed: fc.nat(), spread: fc.constantFrom(0, 1, 30, 3e38) })
  .map(({ size, seed, spread }) => {
    const next = random(seed);
    return Float32Array.from({ length: size }, () => {
      const kind = next();
      const value = (next() * 2 - 1) * spread;
      return kind < 0.1 ? -Infinity : kind < 0.3 ? Math.round(value) : kind < 0.4 ? -0 : value;
    });
  });

test('every kernel gives what the reference gives, in every instruction set', { skip }, () => {
  fc.assert(
    fc.property(
      rows,
      fc.constantFrom(1, 0.5, 1 / 0.7, 1 / 1e-320, 1e-3),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(299),
      fc.constantFrom(1, 2, 7, 16, 64),
      (row, scale, share, at, block) => {
        const run = (kernels: SamplingKernels) => {
          const best = kernels.argmax(row);
          const max = row[best]! > -Infinity ? row[best]! : 0;
          const weights = new Float64Array(row.length);
          const sum = kernels.weigh(row, max, scale, weights);
          const alone = kernels.weigh(row, max, scale, null);
          const cut = weights[at % row.length]!;
          const ids = new Int32Array(row.length);
          const gathered = [share * share, cut, 0].map((weight) =>
            ids.slice(0, kernels.gather(weights, weight, at, ids)),
          );
          const picked = [share, 0, 1, 2].map((u) => kernels.pick(weights, u * sum));
          const maxima = new Float64Array(Math.ceil(row.length / block));
          kernels.blockMaxima(weights, block, maxima);
          const top = new Int32Array(1 + (at % 25));
          const listed = kernels.largest(row, top);
          return { best, weights, sum, alone, gathered, picked, maxima, top: top.subarray(0, listed) };
        };
        const expected = run(referenceSampling);
        for (const [isa, kernels] of sets()) assert.deepStrictEqual(run(kernels), expected, isa);
      },
    ),
    { numRuns: 500, seed: 1 },
  );
});

test('logits are copied up to the first that is not finite, which is told', { skip: missing }, () => {
  for (const [isa, { copyFinite }] of [...sets(), ['reference', referenceSampling] as const]) {
    for (const size of [0, 1, 33, 4096, 9001]) {
      const logits = Float32Array.from({ length: size }, (_, id) => id - 3.25);
      const copy = new Float32Array(size);
      assert.equal(copyFinite(logits, copy), -1, isa);
      assert.deepEqual(copy, logits);
      for (const wrong of [NaN, Infinity, -Infinity]) {
        for (const at of size === 0 ? [] : [0, size >> 1, size - 1]) {
          const bad = logits.slice().fill(Number.NaN, at + 1);
          bad[at] = wrong;
          assert.equal(copyFinite(bad, copy), at, `${isa}: ${wrong} at ${at} of ${size}`);
        }
      }
    }
  }
});

test('arrays that do not fit are refused', { skip: missing }, () => {
  for (const [, kernels] of sets()) {
    const [floats, doubles, ids] = [new Float32Array(9), new Float64Array(9), new Int32Array(8)];
    assert.throws(() => kernels.copyFinite(floats, new Float32Array(8)), TypeError);
    assert.throws(() => kernels.argmax(doubles as never), TypeError);
    assert.throws(() => kernels.weigh(floats, 0, 1, new Float64Array(8)), TypeError);
    assert.throws(() => kernels.weigh(floats, 0, '1' as never, doubles), TypeError);
    assert.throws(() => kernels.pick(floats as never, 1), TypeError);
    assert.throws(() => kernels.gather(doubles, 0, 9, ids), TypeError);
    assert.throws(() => kernels.gather(doubles, 0, -1, new Int32Array(9)), TypeError);
    assert.throws(() => kernels.blockMaxima(doubles, 4, new Float64Array(2)), TypeError);
    assert.throws(() => kernels.blockMaxima(doubles, 0, doubles), TypeError);
    assert.throws(() => kernels.largest(floats, new Int32Array(0)), TypeError);
  }
  assert.throws(() => requireAddon().sampling('altivec'), { code: 'backend/unavailable' });
});
