import { OssiaError } from '../base/index.ts';
import { type Constraint, type TokenMask, tokenMask } from './constraint.ts';
import { applyMask, countAllowed, gatherAllowed } from './masking.ts';
import type { ResolvedParams } from './params.ts';
import { uniform } from './random.ts';
import { type Cut, compareWeights, cutAfterCount, cutAfterMass } from './selection.ts';
import type { TokenEvent } from './types.ts';

/** The largest f32. */
const LARGEST = 3.4028234663852886e38;

/** How often each token stands in the text so far: what penalties look at. */
export interface History {
  /** Ids of prompt and output. */
  readonly seen: ReadonlySet<number>;
  /** Id → occurrences in the output alone. */
  readonly output: ReadonlyMap<number, number>;
}

/**
 * Throws `model/not-finite` for a NaN or an infinity among the logits [vocab].
 * A model never gives one on purpose, and every later comparison would quietly go wrong.
 */
export function checkFinite(logits: Float32Array): void {
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += logits[id]! * 0; // NaN as soon as one is not finite
  if (sum === 0) return;
  const id = logits.findIndex((logit) => !Number.isFinite(logit));
  throw new OssiaError('model/not-finite', `Cannot choose a token: the logit of token ${id} is ${logits[id]}`, {
    details: { id, logit: String(logits[id]) },
  });
}

/** Adds the biases, then applies the repetition, presence and frequency penalties to logits [vocab], in place. */
export function applyPenalties(
  logits: Float32Array,
  params: ResolvedParams,
  history: History,
  exempt: ReadonlySet<number>,
): void {
  for (const [id, bias] of Object.entries(params.logitBias)) logits[Number(id)]! += bias;
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = params;
  if (repetitionPenalty !== 1) {
    for (const id of history.seen) {
      if (exempt.has(id)) continue;
      const logit = logits[id]!;
      const moved = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
      logits[id] = Math.max(-LARGEST, Math.min(LARGEST, moved)); // a tiny penalty must not make an infinity
    }
  }
  if (presencePenalty !== 0 || frequencyPenalty !== 0) {
    for (const [id, count] of history.output) {
      if (!exempt.has(id)) logits[id]! -= presencePenalty + frequencyPenalty * count;
    }
  }
}

/** The id of the largest logit, the lowest id among equals. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

/** ln Σ exp(logits), by way of the largest so that nothing overflows. */
export function logSumExp(logits: Float32Array, max: number): number {
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id]! - max);
  return max + Math.log(sum);
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

/** The `count` largest logits, best first, the lowest id first among equals. −∞ is left out. */
export function largest(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  if (count === 0) return best;
  let floor = Number.NEGATIVE_INFINITY; // below this nothing enters a full list
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (!(logit > floor)) continue;
    let at = best.length;
    while (at > 0 && logit > logits[best[at - 1]!]!) at--;
    best.splice(at, 0, id);
    if (best.length > count) best.pop();
    if (best.length === count) floor = logits[best[count - 1]!]!;
  }
  return best;
}

/**
 * Draws a token: temperature, then top-k, top-p and min-p, each over what the one before left.
 *
 * logits   [vocab], −∞ where masked
 * weights  [vocab], scratch: exp((logit − max) / temperature), so the best token weighs 1
 * u        a random number in [0, 1)
 */
export function draw(
  logits: Float32Array,
  weights: Float64Array,
  params: Pick<ResolvedParams, 'temperature' | 'topK' | 'topP' | 'minP'>,
  u: number,
): number {
  const best = argmax(logits);
  if (params.temperature === 0) return best;
  const max = logits[best]!;
  const scale = 1 / params.temperature;
  // A difference of 0 stays 0 whatever the scale: an infinite one (temperature near 1e-320) must not make it NaN.
  for (let id = 0; id < logits.length; id++) {
    const below = logits[id]! - max;
    weights[id] = below === 0 ? 1 : Math.exp(below * scale);
  }
  const cut = truncate(weights, params);
  let total = 0;
  for (let id = 0; id < weights.length; id++) if (isKept(weights, id, cut)) total += weights[id]!;
  let left = u * total;
  let last = best;
  for (let id = 0; id < weights.length; id++) {
    if (!isKept(weights, id, cut)) continue;
    left -= weights[id]!;
    if (left < 0) return id;
    last = id;
  }
  return last; // rounding may leave a crumb of `left` at the very end
}

/** The last token that stays, in the order of falling weight. */
function truncate(
  weights: Float64Array,
  { topK, topP, minP }: Pick<ResolvedParams, 'topK' | 'topP' | 'minP'>,
): Cut | undefined {
  let cut: Cut | undefined;
  if (topK > 0 && topK < weights.length) cut = cutAfterCount(weights, topK);
  if (topP < 1) cut = cutAfterMass(weights, topP, cut);
  if (minP > 0 && (!cut || cut.weight < minP)) cut = { weight: minP, id: weights.length }; // relative to the best, which weighs 1
  return cut;
}

function isKept(weights: Float64Array, id: number, cut: Cut | undefined): boolean {
  const weight = weights[id]!;
  return weight > 0 && (cut === undefined || compareWeights(weight, id, cut.weight, cut.id) <= 0);
}

/** Chooses the tokens of one sequence. Remembers what penalties need; the random numbers depend on seed and position alone. */
export class Sampler {
  readonly #params: ResolvedParams;
  readonly #constraint: Constraint | undefined;
  readonly #exempt: ReadonlySet<number>;
  readonly #seen: Set<number>;
  readonly #output = new Map<number, number>();
  #count = 0;

  constructor(params: ResolvedParams, prompt: readonly number[], constraint?: Constraint) {
    this.#params = params;
    this.#constraint = constraint;
    this.#exempt = new Set(params.penaltyExempt);
    this.#seen = new Set(params.repetitionPenalty === 1 ? [] : prompt);
  }

  /**
   * Chooses the next token from logits [vocab], which stay as they are.
   * Throws `model/not-finite`, and `engine/nothing-allowed` when the constraint leaves no token.
   */
  choose(logits: Float32Array, scratch: SamplerScratch): TokenEvent {
    checkFinite(logits);
    scratch.logits.set(logits);
    applyPenalties(scratch.logits, this.#params, { seen: this.#seen, output: this.#output }, this.#exempt);
    const { row, weights, ids } = this.#candidates(scratch);
    const max = row.length === 0 ? Number.NEGATIVE_INFINITY : row[argmax(row)]!;
    if (max === Number.NEGATIVE_INFINITY) {
      throw new OssiaError('engine/nothing-allowed', `Cannot choose token ${this.#count}: the constraint allows none`);
    }
    const { temperature, topLogprobs, seed } = this.#params;
    const chosen = draw(row, weights, this.#params, uniform(seed, this.#count));
    // At temperature 1 what `draw` left are the very terms of the sum.
    const normaliser = temperature === 1 ? max + Math.log(sum(weights)) : logSumExp(row, max);
    const idOf = (index: number) => (ids === undefined ? index : ids[index]!);
    const logprob = (index: number) => row[index]! - normaliser;
    const event = { type: 'token', id: idOf(chosen), logprob: logprob(chosen) } as const;
    this.#remember(event.id);
    if (topLogprobs === 0) return event;
    return { ...event, top: largest(row, topLogprobs).map((i) => ({ id: idOf(i), logprob: logprob(i) })) };
  }

  /** What there is to choose from: all logits [vocab], those outside the mask −∞; or, where they are few, the allowed ones with their ids. */
  #candidates({ logits, weights, mask, ids }: SamplerScratch): Candidates {
    if (!this.#constraint) return { row: logits, weights };
    mask.fill(0);
    this.#constraint.allow(mask);
    if (countAllowed(mask) > logits.length / 2) {
      applyMask(logits, mask);
      return { row: logits, weights };
    }
    const count = gatherAllowed(logits, mask, ids);
    return { row: logits.subarray(0, count), weights: weights.subarray(0, count), ids };
  }

  /** Takes a token that the constraint leaves no choice about, as sampling under a mask of one would have. */
  take(id: number): TokenEvent {
    this.#remember(id);
    const event = { type: 'token', id, logprob: 0, forced: true } as const;
    return this.#params.topLogprobs === 0 ? event : { ...event, top: [{ id, logprob: 0 }] };
  }

  #remember(id: number): void {
    this.#constraint?.advance(id);
    this.#output.set(id, (this.#output.get(id) ?? 0) + 1);
    this.#seen.add(id);
    this.#count++;
  }
}

/** Working memory for one call of `choose`: one set serves all sequences, so a step allocates nothing the size of the vocabulary. */
export interface SamplerScratch {
  readonly logits: Float32Array;
  readonly weights: Float64Array;
  readonly mask: TokenMask;
  readonly ids: Int32Array;
}

interface Candidates {
  readonly row: Float32Array;
  readonly weights: Float64Array;
  /** By index of the row; absent: the index is the id. */
  readonly ids?: Int32Array;
}

export function samplerScratch(vocabSize: number): SamplerScratch {
  const [logits, weights] = [new Float32Array(vocabSize), new Float64Array(vocabSize)];
  return { logits, weights, mask: tokenMask(vocabSize), ids: new Int32Array(vocabSize) };
}
