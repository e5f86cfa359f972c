import { type SamplingKernels, samplingKernels } from '../backends/index.ts';
import { OssiaError } from '../base/index.ts';
import { type Constraint, type TokenMask, tokenMask } from './constraint.ts';
import { applyMask, countAllowed, gatherAllowed } from './masking.ts';
import type { ResolvedParams } from './params.ts';
import { uniform } from './random.ts';
import {
  type Cut,
  cutAfterCount,
  cutAfterMass,
  type SelectionScratch,
  selectionScratch,
  sumOf,
  upTo,
} from './selection.ts';
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
 * Copies the logits [vocab] of a model. Throws `model/not-finite` for a NaN or an infinity among them: a model never gives one on
 * purpose, and every later comparison would quietly go wrong.
 */
function copyLogits(logits: Float32Array, { kernels, logits: copy }: SamplerScratch): void {
  const id = kernels.copyFinite(logits, copy);
  if (id < 0) return;
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

/** What a draw found: an index of the row, and the sum of the weights at its temperature. */
interface Drawn {
  readonly index: number;
  readonly total: number;
}

/**
 * Draws a token: temperature, then top-k, top-p and min-p, each over what the one before left.
 *
 * row      logits, −∞ where masked
 * weights  as long as the row, scratch: exp((logit − max) / temperature), so the best token weighs 1
 * max      the largest logit
 * u        a random number in [0, 1)
 */
export function draw(
  row: Float32Array,
  weights: Float64Array,
  max: number,
  params: Truncation & Pick<ResolvedParams, 'temperature'>,
  u: number,
  scratch: SelectionScratch,
): Drawn {
  const total = scratch.kernels.weigh(row, max, 1 / params.temperature, weights);
  const cut = truncate(weights, total, params, scratch);
  const index = cut ? pickAmong(weights, upTo(weights, cut, scratch), u) : scratch.kernels.pick(weights, u * total);
  return { index, total };
}

/** The first of the ids at which the sum of the weights passes the share `u` of their whole. */
function pickAmong(weights: Float64Array, ids: Int32Array, u: number): number {
  let left = u * sumOf(weights, ids);
  for (let i = 0; i < ids.length; i++) {
    left -= weights[ids[i]!]!;
    if (left < 0) return ids[i]!;
  }
  return ids[ids.length - 1]!; // rounding may leave a crumb of `left` at the very end
}

/**
 * Entropy in bits of the distribution of these logits, −∞ where masked: log2 Σ w − Σ w·ln w / (Σ w · ln 2) with the weights
 * w = exp(logit − max). The weights are the kernels', equal on all of them, and the sums go in order, so the bits are too.
 */
function entropyOf(row: Float32Array, max: number, weights: Float64Array, kernels: SamplingKernels): number {
  const total = kernels.weigh(row, max, 1, weights);
  let sum = 0;
  for (let i = 0; i < row.length; i++) if (weights[i]! > 0) sum += weights[i]! * (row[i]! - max);
  return Math.max(0, (Math.log(total) - sum / total) / Math.LN2); // rounding must not make it negative
}

type Truncation = Pick<ResolvedParams, 'topK' | 'topP' | 'minP'>;

/** The last token that stays, in the order of falling weight. */
function truncate(
  weights: Float64Array,
  total: number,
  { topK, topP, minP }: Truncation,
  scratch: SelectionScratch,
): Cut | undefined {
  let cut: Cut | undefined;
  if (topK > 0 && topK < weights.length) cut = cutAfterCount(weights, topK, scratch);
  if (topP < 1) cut = cutAfterMass(weights, topP, total, cut, scratch);
  if (minP > 0 && (!cut || cut.weight < minP)) cut = { weight: minP, id: weights.length }; // relative to the best, which weighs 1
  return cut;
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
    copyLogits(logits, scratch);
    applyPenalties(scratch.logits, this.#params, { seen: this.#seen, output: this.#output }, this.#exempt);
    const { kernels } = scratch;
    const { row, weights, ids } = this.#candidates(scratch);
    const best = kernels.argmax(row);
    const max = row[best] ?? Number.NEGATIVE_INFINITY;
    if (max === Number.NEGATIVE_INFINITY) {
      throw new OssiaError('engine/nothing-allowed', `Cannot choose token ${this.#count}: the constraint allows none`);
    }
    const { temperature, topLogprobs, trace, seed } = this.#params;
    const drawn =
      temperature === 0 ? undefined : draw(row, weights, max, this.#params, uniform(seed, this.#count), scratch);
    const chosen = drawn?.index ?? best;
    // ln Σ exp(logits), by way of the largest so that nothing overflows. At temperature 1 what was drawn from has the very terms.
    const sum = drawn && temperature === 1 ? drawn.total : kernels.weigh(row, max, 1, null);
    const normaliser = max + Math.log(sum);
    const idOf = (index: number) => (ids === undefined ? index : ids[index]!);
    const logprob = (index: number) => row[index]! - normaliser;
    const event = {
      type: 'token',
      id: idOf(chosen),
      logprob: logprob(chosen),
      ...(trace ? { entropy: entropyOf(row, max, weights, kernels) } : {}),
    } as const;
    this.#remember(event.id);
    if (topLogprobs === 0) return event;
    const top = scratch.kept.subarray(0, topLogprobs);
    const count = kernels.largest(row, top);
    return { ...event, top: Array.from(top.subarray(0, count), (i) => ({ id: idOf(i), logprob: logprob(i) })) };
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
    const { topLogprobs, trace } = this.#params;
    const event = { type: 'token', id, logprob: 0, forced: true, ...(trace ? { entropy: 0 } : {}) } as const;
    return topLogprobs === 0 ? event : { ...event, top: [{ id, logprob: 0 }] };
  }

  #remember(id: number): void {
    this.#constraint?.advance(id);
    this.#output.set(id, (this.#output.get(id) ?? 0) + 1);
    this.#seen.add(id);
    this.#count++;
  }
}

/** Working memory for one call of `choose`: one set serves all sequences, so a step allocates nothing the size of the vocabulary. */
export interface SamplerScratch extends SelectionScratch {
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

/** Every kernels' implementation chooses the same tokens. */
export function samplerScratch(vocabSize: number, kernels: SamplingKernels = samplingKernels()): SamplerScratch {
  const [logits, weights] = [new Float32Array(vocabSize), new Float64Array(vocabSize)];
  const [mask, ids] = [tokenMask(vocabSize), new Int32Array(vocabSize)];
  return { ...selectionScratch(vocabSize, kernels), logits, weights, mask, ids };
}
