/**
 * Choosing a token from 201,088 logits, by what is asked for: with the kernels of the addon and with those in TypeScript, in turns
 * in one process. Both choose the same tokens; that they do is checked here too.
 *
 *     npm run bench -- sampling [--rounds 60]
 */
import { deepStrictEqual } from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { referenceSampling, samplingKernels } from '../src/backends/index.ts';
import type { Constraint } from '../src/engine/constraint.ts';
import { resolveParams } from '../src/engine/params.ts';
import { uniform } from '../src/engine/random.ts';
import { Sampler, type SamplerScratch, samplerScratch } from '../src/engine/sampling.ts';
import type { GenerateParams, TokenEvent } from '../src/engine/types.ts';
import { summarise } from './speed/statistics.ts';

const VOCAB_SIZE = 201_088;
const NUM_ROWS = 5;

const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '60' } } });

/** A few likely tokens over a bell of unlikely ones, as models have them. */
function modelLike(seed: number): Float32Array {
  return Float32Array.from({ length: VOCAB_SIZE }, (_, id) => {
    const [a, b] = [uniform(seed, 2 * id), uniform(seed, 2 * id + 1)];
    const bell = Math.sqrt(-2 * Math.log(1 - a)) * Math.cos(2 * Math.PI * b);
    return id % 6701 === seed ? 10 + 10 * a : 2.5 * bell - 2;
  });
}

/** Allows a share of all tokens. */
function allowing(share: number): Constraint {
  const words = Uint32Array.from({ length: VOCAB_SIZE / 32 }, (_, word) => {
    let bits = 0;
    for (let bit = 0; bit < 32; bit++) if (uniform(99, word * 32 + bit) < share) bits |= 1 << bit;
    return bits >>> 0;
  });
  return { allow: (mask) => mask.set(words), advance: () => {} };
}

const rows = Array.from({ length: NUM_ROWS }, (_, seed) => modelLike(seed));
const kinds: [string, GenerateParams, Constraint?][] = [
  ['temperature 0', { temperature: 0 }],
  ['temperature 1', { temperature: 1 }],
  ['temperature 0.7', { temperature: 0.7 }],
  ['top-k 40', { temperature: 1, topK: 40 }],
  ['top-p 0.95', { temperature: 1, topP: 0.95 }],
  ['0.8, top-k, top-p, min-p', { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 }],
  ['20 logprobs', { temperature: 1, topLogprobs: 20 }],
  ['penalties', { temperature: 1, repetitionPenalty: 1.1, presencePenalty: 0.5 }],
  ['mask of 99 %', { temperature: 1 }, allowing(0.99)],
  ['mask of 20 %', { temperature: 1 }, allowing(0.2)],
  ['mask of 0.1 %', { temperature: 1 }, allowing(0.001)],
];

const native = samplerScratch(VOCAB_SIZE, samplingKernels());
const plain = samplerScratch(VOCAB_SIZE, referenceSampling);
if (native.kernels === plain.kernels) console.log('The addon is not used here: both columns are TypeScript\n');

function choose(round: number, params: GenerateParams, constraint: Constraint | undefined, scratch: SamplerScratch) {
  const sampler = new Sampler(resolveParams({ ...params, seed: round }, {}, VOCAB_SIZE), [], constraint);
  const begin = performance.now();
  const event: TokenEvent = sampler.choose(rows[round % NUM_ROWS]!, scratch);
  return { event, ms: performance.now() - begin };
}

console.log(`median of ${flags.rounds}, ms          addon  TypeScript   ratio`);
for (const [name, params, constraint] of kinds) {
  const [fast, slow]: [number[], number[]] = [[], []];
  for (let round = -10; round < Number(flags.rounds); round++) {
    const seed = round + 10;
    const [a, b] = [choose(seed, params, constraint, native), choose(seed, params, constraint, plain)];
    deepStrictEqual(a.event, b.event);
    if (round < 0) continue; // the compiler warms up
    fast.push(a.ms);
    slow.push(b.ms);
  }
  const [a, b] = [summarise(fast).median, summarise(slow).median];
  console.log(
    `  ${name.padEnd(26)}${a.toFixed(2).padStart(7)}${b.toFixed(2).padStart(12)}${(b / a).toFixed(1).padStart(8)}`,
  );
}
