import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Constraint, tokenMask } from './constraint.ts';
import { applyMask, countAllowed, gatherAllowed } from './masking.ts';
import { type ResolvedParams, resolveParams } from './params.ts';
import { uniform } from './random.ts';
import { argmax, draw, largest, logSumExp, Sampler, samplerScratch } from './sampling.ts';

const VOCAB = 333; // no multiple of 32

/** A mask and logits, some of them equal, with few or many tokens allowed, and bits beyond the vocabulary. */
const rows = fc
  .record({
    share: fc.constantFrom(0.005, 0.1, 0.49, 0.51, 0.9, 1),
    seed: fc.nat(),
    coarse: fc.boolean(),
    beyond: fc.boolean(),
  })
  .map(({ share, seed, coarse, beyond }) => {
    const logits = Float32Array.from({ length: VOCAB }, (_, i) => {
      const value = uniform(seed, i) * 24 - 12;
      return coarse ? Math.round(value) : value;
    });
    const mask = tokenMask(VOCAB);
    const allow = (id: number) => {
      mask[id >>> 5]! |= 1 << (id & 31);
    };
    for (let id = 0; id < VOCAB; id++) if (uniform(seed, VOCAB + id) < share) allow(id);
    allow(seed % VOCAB);
    if (beyond) allow(VOCAB + 3);
    return { logits, mask };
  });

const settings = fc.record({
  temperature: fc.constantFrom(0, 0.3, 1, 1.7),
  topP: fc.constantFrom(1, 0.9, 0.3),
  topK: fc.constantFrom(0, 1, 5, 200),
  minP: fc.constantFrom(0, 0.05, 1),
  topLogprobs: fc.constantFrom(0, 3, 20),
  seed: fc.nat(),
});

/** What sampling under a mask means: all logits, those outside −∞. */
function chooseByDefinition(logits: Float32Array, mask: Uint32Array, params: ResolvedParams) {
  const row = logits.slice();
  applyMask(row, mask);
  const normaliser = logSumExp(row, row[argmax(row)]!);
  const id = draw(row, new Float64Array(VOCAB), params, uniform(params.seed, 0));
  const top = largest(row, params.topLogprobs).map((other) => ({ id: other, logprob: row[other]! - normaliser }));
  const event = { type: 'token', id, logprob: row[id]! - normaliser };
  return params.topLogprobs === 0 ? event : { ...event, top };
}

test('what is chosen under a mask is the same to the bit, whether few tokens are allowed or many', () => {
  const scratch = samplerScratch(VOCAB);
  fc.assert(
    fc.property(rows, settings, ({ logits, mask }, given) => {
      const params = resolveParams(given, {}, VOCAB);
      const constraint: Constraint = { allow: (into) => into.set(mask), advance: () => {} };
      const event = new Sampler(params, [], constraint).choose(logits, scratch);
      assert.deepStrictEqual(event, chooseByDefinition(logits, mask, params));
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test('without a mask, too', () => {
  const scratch = samplerScratch(VOCAB);
  const all = tokenMask(VOCAB).fill(0xffffffff);
  fc.assert(
    fc.property(rows, settings, ({ logits }, given) => {
      const params = resolveParams(given, {}, VOCAB);
      assert.deepStrictEqual(new Sampler(params, []).choose(logits, scratch), chooseByDefinition(logits, all, params));
    }),
    { numRuns: 500, seed: 1 },
  );
});

test('allowed tokens are counted, and gathered in order with their ids', () => {
  const mask = Uint32Array.of(0x80000001, 0, 0b110, 0xffffffff);
  assert.equal(countAllowed(mask), 36);
  const logits = Float32Array.from({ length: 98 }, (_, id) => id / 2);
  const ids = new Int32Array(98);
  const count = gatherAllowed(logits, mask, ids);
  assert.deepEqual([...ids.subarray(0, count)], [0, 31, 65, 66, 96, 97]);
  assert.deepEqual([...logits.subarray(0, count)], [0, 15.5, 32.5, 33, 48, 48.5]);
});
