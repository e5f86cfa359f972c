import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { referenceSampling, samplingKernels } from '../backends/index.ts';
import { allowToken, type Constraint, type TokenMask } from './constraint.ts';
import { resolveParams } from './params.ts';
import { Sampler, samplerScratch } from './sampling.ts';
import type { GenerateParams, TokenEvent } from './types.ts';

const logitRows = fc
  .array(fc.float({ min: -40, max: 40, noNaN: true }), { minLength: 1, maxLength: 400 })
  .map((values) => Float32Array.from(values));

function only(allowed: readonly number[]): Constraint {
  return {
    allow: (mask: TokenMask) => {
      for (const id of allowed) allowToken(mask, id);
    },
    advance: () => {},
  } as Constraint;
}

function choose(
  logits: Float32Array,
  params: GenerateParams,
  { allowed, kernels = samplingKernels() }: { allowed?: readonly number[]; kernels?: typeof referenceSampling } = {},
): TokenEvent {
  const resolved = resolveParams({ seed: 7, ...params }, {}, logits.length);
  const sampler = new Sampler(resolved, [], allowed && only(allowed));
  return sampler.choose(logits, samplerScratch(logits.length, kernels));
}

/** −Σ p·log2 p, by its definition. */
function entropyOf(logits: readonly number[]): number {
  const max = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - max));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.reduce((sum, weight) => (weight > 0 ? sum - (weight / total) * Math.log2(weight / total) : sum), 0);
}

test('with trace a token tells the entropy of what its logprob is of, whatever the temperature and what is cut', () => {
  const settings = fc.constantFrom({ temperature: 0 }, { temperature: 1 }, { temperature: 2, topK: 3 }, { topP: 0.5 });
  fc.assert(
    fc.property(logitRows, settings, (logits, params) => {
      const { entropy } = choose(logits, { ...params, trace: true });
      assert.ok(Math.abs(entropy! - entropyOf([...logits])) < 1e-9);
    }),
  );
});

test('what a constraint masks is no part of it, be it much or little', () => {
  fc.assert(
    fc.property(logitRows, fc.double({ min: 0, max: 1, noNaN: true }), (logits, share) => {
      const allowed = [...logits.keys()].filter((id) => id === 0 || (id * 0.618) % 1 < share);
      const { entropy } = choose(logits, { trace: true }, { allowed });
      assert.ok(Math.abs(entropy! - entropyOf(allowed.map((id) => logits[id]!))) < 1e-9);
    }),
  );
});

test('all kernels give the same bits of it, and asking for it changes nothing else', () => {
  fc.assert(
    fc.property(logitRows, fc.constantFrom(0, 0.7, 1), (logits, temperature) => {
      const { entropy, ...rest } = choose(logits, { temperature, trace: true });
      assert.equal(entropy, choose(logits, { temperature, trace: true }, { kernels: referenceSampling }).entropy);
      assert.deepEqual(rest, choose(logits, { temperature }));
    }),
  );
});

test('a token that was forced has none, and a row of one token neither', () => {
  const sampler = new Sampler(resolveParams({ trace: true }, {}, 4), [], undefined);
  assert.deepEqual(sampler.take(2), { type: 'token', id: 2, logprob: 0, forced: true, entropy: 0 });
  assert.equal(choose(Float32Array.of(3), { trace: true }).entropy, 0);
  assert.equal(choose(Float32Array.of(-3e38, 3e38), { trace: true }).entropy, 0);
});
