/**
 * What choosing a token means, written the plain way over all logits; and that the sampler chooses the same to the bit, whatever
 * the kernels, the mask and the shortcuts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { referenceSampling, samplingKernels } from '../backends/index.ts';
import { type Constraint, tokenMask } from './constraint.ts';
import { applyMask } from './masking.ts';
import { type ResolvedParams, resolveParams } from './params.ts';
import { uniform } from './random.ts';
import { applyPenalties, Sampler, type SamplerScratch, samplerScratch } from './sampling.ts';
import { type Cut, compareWeights, select } from './selection.ts';
import type { GenerateParams } from './types.ts';

/** exp((logit − max) / temperature), added up in order. */
function weighted(row: Float32Array, max: number, temperature: number): { weights: Float64Array; total: number } {
  const weights = new Float64Array(row.length);
  const scale = 1 / temperature;
  let total = 0;
  row.forEach((logit, id) => {
    const below = logit - max;
    weights[id] = below === 0 ? 1 : Math.exp(below * scale);
    total += weights[id]!;
  });
  return { weights, total };
}

/** Top-k by a full sort; top-p by quickselect over everything, whose order of adding is part of the meaning; then min-p. */
function truncate(weights: Float64Array, { topK, topP, minP }: ResolvedParams): Cut | undefined {
  const within = (cut: Cut | undefined) => (id: number) =>
    weights[id]! > 0 && (!cut || compareWeights(weights[id]!, id, cut.weight, cut.id) <= 0);
  let cut: Cut | undefined;
  if (topK > 0 && topK < weights.length) {
    const order = [...weights.keys()].filter(within(undefined)).sort((a, b) => weights[b]! - weights[a]! || a - b);
    const id = order[Math.min(topK, order.length) - 1]!;
    cut = { weight: weights[id]!, id };
  }
  if (topP < 1) {
    const ids = Int32Array.from([...weights.keys()].filter(within(cut)));
    const total = ids.reduce((sum, id) => sum + weights[id]!, 0);
    cut = select(weights, ids, (seen) => seen.mass >= topP * total);
  }
  if (minP > 0 && (!cut || cut.weight < minP)) cut = { weight: minP, id: weights.length };
  return cut;
}

function drawByDefinition(row: Float32Array, best: number, params: ResolvedParams, u: number): number {
  if (params.temperature === 0) return best;
  const { weights } = weighted(row, row[best]!, params.temperature);
  const cut = truncate(weights, params);
  const kept = [...weights.keys()].filter(
    (id) => weights[id]! > 0 && (!cut || compareWeights(weights[id]!, id, cut.weight, cut.id) <= 0),
  );
  let left = u * kept.reduce((sum, id) => sum + weights[id]!, 0);
  for (const id of kept) {
    left -= weights[id]!;
    if (left < 0) return id;
  }
  return kept.at(-1)!;
}

function chooseByDefinition(
  logits: Float32Array,
  mask: Uint32Array | undefined,
  prompt: number[],
  params: ResolvedParams,
) {
  const row = logits.slice();
  const history = { seen: new Set(params.repetitionPenalty === 1 ? [] : prompt), output: new Map<number, number>() };
  applyPenalties(row, params, history, new Set(params.penaltyExempt));
  if (mask) applyMask(row, mask);
  const best = row.indexOf(row.reduce((a, b) => Math.max(a, b)));
  const normaliser = row[best]! + Math.log(weighted(row, row[best]!, 1).total);
  const id = drawByDefinition(row, best, params, uniform(params.seed, 0));
  const event = { type: 'token', id, logprob: row[id]! - normaliser };
  if (params.topLogprobs === 0) return event;
  const order = [...row.keys()].filter((other) => row[other]! > -Infinity).sort((a, b) => row[b]! - row[a]! || a - b);
  const top = order.slice(0, params.topLogprobs).map((other) => ({ id: other, logprob: row[other]! - normaliser }));
  return { ...event, top };
}

/** Rows like a model's and unlike: a few peaks over a slope, ties, all alike, giants, subnormal weights. */
const shapes: Record<string, (at: number, id: number) => number> = {
  peaked: (at, id) => (id % 97 === 3 ? 12 + 6 * at : 6 * at - 12),
  flat: (at) => 0.001 * at,
  even: () => 1.5,
  coarse: (at) => Math.round(at * 24 - 12),
  smooth: (at) => at * 24 - 12,
  giants: (at) => (at - 0.5) * 6e38,
  steep: (at) => -750 * at ** 0.5,
  tiny: (at) => (at - 0.5) * 1e-38,
};

const cases = fc.record({
  size: fc.constantFrom(1, 31, 333, 2500),
  shape: fc.constantFrom(...Object.keys(shapes)),
  share: fc.constantFrom(undefined, 0.005, 0.1, 0.49, 0.51, 0.9, 1),
  beyond: fc.boolean(),
  seed: fc.nat(),
});

const settings = fc.record({
  temperature: fc.constantFrom(0, 5e-324, 1e-320, 0.01, 0.3, 0.7, 1, 2, 10),
  topP: fc.constantFrom(1, 1 - 2 ** -53, 0.999999, 0.95, 0.5, 0.01),
  topK: fc.constantFrom(0, 1, 5, 19, 40, 200, 3000),
  minP: fc.constantFrom(0, 0, 1e-9, 0.05, 1),
  topLogprobs: fc.constantFrom(0, 0, 3, 20),
  repetitionPenalty: fc.constantFrom(1, 1, 1.3, 1e-3),
  presencePenalty: fc.constantFrom(0, 1),
  bias: fc.constantFrom(0, 0, 5, -100, 100),
  seed: fc.nat(),
});

function build({ size, shape, share, beyond, seed }: typeof cases extends fc.Arbitrary<infer T> ? T : never) {
  const logits = Float32Array.from({ length: size }, (_, id) => shapes[shape]!(uniform(seed, id), id));
  if (share === undefined) return { logits };
  const mask = tokenMask(size);
  const allow = (id: number) => {
    mask[id >>> 5]! |= 1 << (id & 31);
  };
  for (let id = 0; id < size; id++) if (uniform(seed, size + id) < share) allow(id);
  allow(seed % size);
  if (beyond && size % 32 !== 0) allow(size); // a bit outside the vocabulary
  return { logits, mask };
}

const scratches = new Map<string, SamplerScratch>();
function scratch(size: number, kernels: 'best' | 'reference'): SamplerScratch {
  const key = `${size} ${kernels}`;
  const found = scratches.get(key) ?? samplerScratch(size, kernels === 'best' ? samplingKernels() : referenceSampling);
  scratches.set(key, found);
  return found;
}

test('a token, its logprob and the best beside it are those of the definition to the bit, on every path', () => {
  fc.assert(
    fc.property(cases, settings, (given, { bias, ...rest }) => {
      const { logits, mask } = build(given);
      const wanted: GenerateParams = bias === 0 ? rest : { ...rest, logitBias: { [given.seed % given.size]: bias } };
      const params = resolveParams(wanted, {}, given.size);
      const prompt = [0, given.seed % given.size];
      const expected = chooseByDefinition(logits, mask, prompt, params);
      const constraint: Constraint | undefined = mask && { allow: (into) => into.set(mask), advance: () => {} };
      for (const kernels of ['best', 'reference'] as const) {
        const sampler = new Sampler(params, prompt, constraint);
        assert.deepStrictEqual(sampler.choose(logits, scratch(given.size, kernels)), expected, kernels);
      }
    }),
    { numRuns: 4000, seed: 1 },
  );
});

test('and so over a whole vocabulary', () => {
  const size = 201_088;
  const logits = Float32Array.from({ length: size }, (_, id) => shapes.peaked!(uniform(7, id), id % 19_997));
  const tries: GenerateParams[] = [
    { temperature: 0, topLogprobs: 20 },
    { temperature: 1 },
    { temperature: 0.7, topP: 0.95 },
    { temperature: 1, topP: 1 - 2 ** -52 },
    { temperature: 1.5, topK: 40, topP: 0.9, minP: 0.01 },
    { temperature: 1, topK: 5000 },
  ];
  for (const given of tries) {
    for (const seed of [1, 2, 3]) {
      const params = resolveParams({ ...given, seed }, {}, size);
      const expected = chooseByDefinition(logits, undefined, [], params);
      for (const kernels of ['best', 'reference'] as const) {
        assert.deepStrictEqual(new Sampler(params, []).choose(logits, scratch(size, kernels)), expected, kernels);
      }
    }
  }
});
