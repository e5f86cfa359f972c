import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { samplingKernels } from '../backends/index.ts';
import { allowToken, type Constraint, type TokenMask } from './constraint.ts';
import { type ResolvedParams, resolveParams } from './params.ts';
import { draw, Sampler, samplerScratch } from './sampling.ts';
import { compareWeights, cutAfterCount, cutAfterMass, selectionScratch, sumOf } from './selection.ts';
import type { GenerateParams, TokenEvent } from './types.ts';

const VOCAB = 37;

/** Logits with many ties and the occasional giant. */
const logitsOf = (size: number) =>
  fc
    .array(fc.oneof(fc.integer({ min: -6, max: 6 }), fc.float({ min: -80, max: 80, noNaN: true })), {
      minLength: size,
      maxLength: size,
    })
    .map((values) => Float32Array.from(values));

function params(given: GenerateParams = {}): ResolvedParams {
  return resolveParams({ seed: 5, ...given }, {}, VOCAB);
}

function choose(
  logits: Float32Array,
  given: GenerateParams,
  prompt: number[] = [],
  constraint?: Constraint,
): TokenEvent {
  return new Sampler(params(given), prompt, constraint).choose(logits, samplerScratch(logits.length));
}

function drawn(logits: Float32Array, resolved: ResolvedParams, u: number): number {
  const scratch = samplerScratch(logits.length);
  return draw(logits, scratch.weights, Math.max(...logits), resolved, u, scratch).index;
}

/** The same draw, written the slow and obvious way: sort, cut, cut, cut. Returns what may be chosen, heaviest first. */
function survivors(
  logits: Float32Array,
  { temperature, topK, topP, minP }: ResolvedParams,
): { ids: number[]; tight: boolean } {
  const max = Math.max(...logits);
  const scale = 1 / temperature; // rounded as in draw: weights an ulp apart must not change places
  const weight = (id: number) => Math.exp((logits[id]! - max) * scale);
  let ids = [...logits.keys()]
    .filter((id) => weight(id) > 0)
    .sort((a, b) => compareWeights(weight(a), a, weight(b), b));
  if (topK > 0) ids = ids.slice(0, topK);
  const total = ids.reduce((sum, id) => sum + weight(id), 0);
  let tight = false; // a border within rounding: either side is right
  let mass = 0;
  const keep = ids.findIndex((id) => {
    mass += weight(id);
    tight ||= Math.abs(mass / total - topP) < 1e-9;
    return mass >= topP * total;
  });
  if (topP < 1 && keep >= 0) ids = ids.slice(0, keep + 1);
  tight ||= ids.some((id) => Math.abs(weight(id) - minP) < 1e-12 && weight(id) !== minP);
  return { ids: ids.filter((id) => weight(id) >= minP), tight };
}

test('top-k, top-p and min-p keep exactly what sorting and cutting keeps', () => {
  const u = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(
      logitsOf(VOCAB),
      fc.record({
        temperature: fc.double({ min: 0.05, max: 10, noNaN: true }),
        topK: fc.integer({ min: 0, max: VOCAB + 3 }),
        topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
        minP: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
      }),
      fc.array(u, { minLength: 1, maxLength: 9 }),
      (logits, given, us) => {
        const resolved = params(given);
        const { ids, tight } = survivors(logits, resolved);
        fc.pre(!tight);
        const reached = (at: number) => drawn(logits, resolved, at);
        for (const at of us) assert.ok(ids.includes(reached(at)), `${reached(at)} is not among ${ids}`);
        const grid = new Set(Array.from({ length: 997 }, (_, i) => reached(i / 997)));
        const max = Math.max(...logits);
        const weight = (id: number) => Math.exp((logits[id]! - max) / resolved.temperature);
        const total = ids.reduce((sum, id) => sum + weight(id), 0);
        for (const id of ids) if (weight(id) / total > 2 / 997) assert.ok(grid.has(id), `${id} is never drawn`);
      },
    ),
    { numRuns: 300 },
  );
});

test('a cut by count or by mass equals the one that a full sort finds', () => {
  const weights = fc.array(fc.oneof(fc.constantFrom(0, 0.25, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: 3,
    maxLength: 61,
  });
  fc.assert(
    fc.property(
      weights,
      fc.integer({ min: 1, max: 70 }),
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      (values, count, p) => {
        const list = Float64Array.from([...values, 1]);
        const order = [...list.keys()]
          .filter((id) => list[id]! > 0)
          .sort((a, b) => compareWeights(list[a]!, a, list[b]!, b));
        const scratch = selectionScratch(list.length, samplingKernels());
        assert.equal(cutAfterCount(list, count, scratch).id, order[Math.min(count, order.length) - 1]);
        const total = order.reduce((sum, id) => sum + list[id]!, 0);
        let mass = 0;
        const at = order.findIndex((id) => {
          mass += list[id]!;
          return mass >= p * total;
        });
        fc.pre(Math.abs(mass - p * total) > 1e-9);
        const sum = sumOf(list, Int32Array.from(list.keys()));
        assert.equal(cutAfterMass(list, p, sum, undefined, scratch).id, order[at]);
      },
    ),
  );
});

test('draws follow the softmax at the given temperature', () => {
  const logits = Float32Array.from([0, 1, 2, 0.5, -1]);
  const temperature = 0.7;
  const counts = new Array<number>(5).fill(0);
  const draws = 20_000;
  for (let i = 0; i < draws; i++) counts[drawn(logits, params({ temperature }), (i + 0.5) / draws)]!++;
  const weights = [...logits].map((logit) => Math.exp(logit / temperature));
  const total = weights.reduce((a, b) => a + b);
  counts.forEach((count, id) => {
    assert.ok(Math.abs(count - (draws * weights[id]!) / total) <= 1, `token ${id}: ${count}`);
  });
});

test('temperature 0 takes the largest logit, the lowest id among equals', () => {
  assert.equal(choose(Float32Array.from([1, 7, 7, 3, 7]), { temperature: 0 }).id, 1);
  assert.equal(choose(Float32Array.from([-5]), { temperature: 0 }).id, 0);
});

test('a temperature so small that its inverse is infinite still gives the best token', () => {
  for (const temperature of [5e-324, 1e-310, 1e-40]) {
    assert.equal(choose(Float32Array.from([1, 2, 9, 2.5, 8.999]), { temperature }).id, 2);
  }
});

test('at such a temperature equals are still drawn alike', () => {
  const logits = Float32Array.from([9, 1, 9]);
  const drawn = Array.from({ length: 40 }, (_, seed) => choose(logits, { temperature: 5e-324, seed }).id);
  assert.deepEqual(new Set(drawn), new Set([0, 2]));
});

test('the same seed gives the same tokens, another seed others', () => {
  const logits = new Float32Array(VOCAB);
  const run = (seed: number) => {
    const sampler = new Sampler(params({ seed }), []);
    const scratch = samplerScratch(VOCAB);
    return Array.from({ length: 23 }, () => sampler.choose(logits, scratch).id);
  };
  assert.deepEqual(run(11), run(11));
  assert.notDeepEqual(run(11), run(12));
});

test('logprobs are those of the model, before temperature and truncation, and leave its logits alone', () => {
  fc.assert(
    fc.property(logitsOf(VOCAB), fc.integer({ min: 0, max: 20 }), (logits, topLogprobs) => {
      const before = logits.slice();
      const event = choose(logits, { temperature: 3, topK: 2, topLogprobs });
      assert.deepEqual(logits, before);
      const max = Math.max(...logits);
      const normaliser = max + Math.log([...logits].reduce((sum, logit) => sum + Math.exp(logit - max), 0));
      assert.ok(Math.abs(event.logprob - (logits[event.id]! - normaliser)) < 1e-9);
      const order = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
      assert.deepEqual(event.top?.map(({ id }) => id) ?? [], order.slice(0, topLogprobs));
    }),
  );
});

test('bias comes before penalties: it changes the sign that the repetition penalty looks at', () => {
  // −1 + 3 = 2, halved to 1: still above 0.5. The other order gives −2 + 3 = 1 too, so look at the logprob.
  const event = choose(
    Float32Array.from([-1, 0.5]),
    { temperature: 0, logitBias: { 0: 3.5 }, repetitionPenalty: 2 },
    [0],
  );
  assert.equal(event.id, 0);
  assert.ok(Math.abs(event.logprob - (1.25 - Math.log(Math.exp(1.25) + Math.exp(0.5)))) < 1e-6);
});

test('repetition counts prompt and output, presence and frequency the output alone', () => {
  const flat = Float32Array.from([2, 2, 2]);
  const scratch = samplerScratch(3);
  const repetition = new Sampler(params({ temperature: 0, repetitionPenalty: 1.5 }), [0]);
  assert.deepEqual([repetition.choose(flat, scratch).id, repetition.choose(flat, scratch).id], [1, 2]);
  const presence = new Sampler(params({ temperature: 0, presencePenalty: 1 }), [0]);
  assert.deepEqual(
    Array.from({ length: 4 }, () => presence.choose(flat, scratch).id),
    [0, 1, 2, 0],
  );
  const steep = Float32Array.from([4, 2, 0]);
  const frequency = new Sampler(params({ temperature: 0, frequencyPenalty: 1 }), []);
  assert.deepEqual(
    Array.from({ length: 5 }, () => frequency.choose(steep, scratch).id), // 4 2 0, 3 2 0, 2 2 0, 1 2 0, 1 1 0
    [0, 0, 0, 1, 0],
  );
});

test('penalties never touch exempt tokens', () => {
  const logits = Float32Array.from([3, 2.9, 1]);
  const scratch = samplerScratch(3);
  const sampler = new Sampler(
    params({ temperature: 0, repetitionPenalty: 9, presencePenalty: 2, frequencyPenalty: 2, penaltyExempt: [0] }),
    [0],
  );
  for (let i = 0; i < 7; i++) assert.equal(sampler.choose(logits, scratch).id, 0);
});

test('a repetition penalty next to zero does not overflow', () => {
  const event = choose(Float32Array.from([3, 2, 1]), { temperature: 1, repetitionPenalty: 1e-300 }, [1]);
  assert.equal(event.id, 1);
  assert.equal(event.logprob, 0);
});

/** Allows multiples of `step` above the last token. */
class Climb implements Constraint {
  #last = -1;
  readonly #step: number;
  constructor(step: number) {
    this.#step = step;
  }
  allow(mask: TokenMask): void {
    for (let id = 0; id < VOCAB; id += this.#step) if (id > this.#last) allowToken(mask, id);
  }
  advance(id: number): void {
    this.#last = id;
  }
}

test('a constraint is obeyed at every step, and its logprobs are those of the masked distribution', () => {
  const sampler = new Sampler(params({ temperature: 2, logitBias: { 3: 100 } }), [], new Climb(7));
  const scratch = samplerScratch(VOCAB);
  const flat = new Float32Array(VOCAB);
  const first = sampler.choose(flat, scratch);
  assert.equal(first.id % 7, 0);
  assert.ok(Math.abs(first.logprob - Math.log(1 / 6)) < 1e-9); // 0 7 14 21 28 35: a bias cannot open a masked token
  let last = first.id;
  while (last < 35) {
    const { id } = sampler.choose(flat, scratch);
    assert.ok(id > last && id % 7 === 0);
    last = id;
  }
  assert.throws(() => sampler.choose(flat, scratch), { code: 'engine/nothing-allowed' });
});

test('a NaN or an infinity among the logits is model/not-finite and names the token', () => {
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const logits = new Float32Array(VOCAB);
    logits[29] = wrong;
    assert.throws(() => choose(logits, { temperature: 0 }), { code: 'model/not-finite', message: /token 29 is/ });
  }
});

test('201,088 logits are sampled more than a hundred times a second', () => {
  const size = 201_088;
  const logits = Float32Array.from({ length: size }, (_, id) => Math.sin(id * 12.9898) * 9 + Math.cos(id * 0.37) * 4);
  const scratch = samplerScratch(size);
  const resolved = resolveParams(
    { seed: 1, temperature: 1, topK: 5000, topP: 0.95, minP: 0.001, topLogprobs: 20 },
    {},
    size,
  );
  const sampler = new Sampler(resolved, []);
  sampler.choose(logits, scratch);
  const started = performance.now();
  for (let i = 0; i < 10; i++) sampler.choose(logits, scratch);
  const each = (performance.now() - started) / 10;
  assert.ok(each < 100, `${each.toFixed(1)} ms a token`); // 10 on an idle machine; the bar leaves room for a busy one
});
