/**
 * Finding where to cut a list of weights in falling order, without sorting it: quickselect, over what can hold the cut. Among
 * equal weights the lower id comes first, so the order is total and a cut is one (weight, id).
 */
import type { SamplingKernels } from '../backends/index.ts';

export interface Cut {
  readonly weight: number;
  readonly id: number;
}

/** Working memory for weights [vocab] and fewer. */
export interface SelectionScratch {
  readonly kernels: SamplingKernels;
  readonly kept: Int32Array;
  readonly maxima: Float64Array;
}

/** Weights that share an entry of `maxima`. */
const BLOCK = 64;

export function selectionScratch(vocabSize: number, kernels: SamplingKernels): SelectionScratch {
  return { kernels, kept: new Int32Array(vocabSize), maxima: new Float64Array(Math.ceil(vocabSize / BLOCK)) };
}

/** Negative when (weight, id) comes before (otherWeight, otherId): the heavier first, then the lower id. */
export function compareWeights(weight: number, id: number, otherWeight: number, otherId: number): number {
  return otherWeight - weight || id - otherId;
}

/** The ids that weigh anything and come no later than the cut, in order. Usually far fewer than the vocabulary. Lives in the scratch. */
export function upTo(weights: Float64Array, cut: Cut | undefined, { kernels, kept }: SelectionScratch): Int32Array {
  return kept.subarray(0, kernels.gather(weights, cut?.weight ?? 0, cut?.id ?? 0, kept));
}

/** The last of the `count` heaviest. */
export function cutAfterCount(weights: Float64Array, count: number, scratch: SelectionScratch): Cut {
  const enough = (seen: Seen) => seen.count >= count;
  return select(weights, upTo(weights, lowerBound(weights, count, scratch), scratch), enough);
}

/** A cut that has the `count` heaviest above it or at it: when so many blocks have a weight of its size, what is lighter is not among them. */
function lowerBound(weights: Float64Array, count: number, scratch: SelectionScratch): Cut | undefined {
  const maxima = scratch.maxima.subarray(0, Math.ceil(weights.length / BLOCK));
  if (count > maxima.length / 2) return undefined; // little would be gained
  scratch.kernels.blockMaxima(weights, BLOCK, maxima);
  const blocks = upTo(maxima, undefined, scratch);
  if (blocks.length < count) return undefined;
  return { weight: select(maxima, blocks, (seen) => seen.count >= count).weight, id: weights.length };
}

/**
 * The last of the smallest heaviest set that holds `fraction` of the mass; of all weights, or of those up to `within`.
 *
 * total  all weights, added in order
 */
export function cutAfterMass(
  weights: Float64Array,
  fraction: number,
  total: number,
  within: Cut | undefined,
  scratch: SelectionScratch,
): Cut {
  if (within) {
    const ids = upTo(weights, within, scratch);
    const wanted = fraction * sumOf(weights, ids);
    return select(weights, ids, (seen) => seen.mass >= wanted);
  }
  const wanted = fraction * total;
  const enough = (seen: Seen) => seen.mass >= wanted;
  return cutAmongHeavy(weights, wanted, total, scratch) ?? select(weights, upTo(weights, undefined, scratch), enough);
}

/**
 * The cut, looked for where it must be: all weights lighter than an even share of what is not wanted are not wanted. Sums depend
 * on the order of adding, so this is an answer only when the cut is the same whatever the order: each of two sums is off by less
 * than n roundings of 2⁻⁵³ of the total.
 */
function cutAmongHeavy(
  weights: Float64Array,
  wanted: number,
  total: number,
  scratch: SelectionScratch,
): Cut | undefined {
  const evenShare = (total - wanted) / weights.length;
  const ids = upTo(weights, { weight: evenShare / 2, id: weights.length }, scratch);
  if (ids.length === 0 || ids.length > weights.length / 2) return undefined; // nothing gained
  const cut = select(weights, ids, (seen) => seen.mass >= wanted);
  let before = 0;
  for (const id of ids) if (compareWeights(weights[id]!, id, cut.weight, cut.id) < 0) before += weights[id]!;
  const margin = weights.length * 2 ** -50 * total;
  return before < wanted - margin && before + cut.weight > wanted + margin ? cut : undefined;
}

/** The weights of these ids, added in order. */
export function sumOf(weights: Float64Array, ids: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < ids.length; i++) sum += weights[ids[i]!]!;
  return sum;
}

interface Seen {
  count: number;
  mass: number;
}

/** The first of the ids, in falling order, at which `enough` holds for what stands up to and including it. Reorders them. */
export function select(weights: Float64Array, ids: Int32Array, enough: (seen: Seen) => boolean): Cut {
  const before = (a: number, b: number) => compareWeights(weights[a]!, a, weights[b]!, b);
  let low = 0;
  let high = ids.length; // the answer lies in [low, high)
  let seen: Seen = { count: 0, mass: 0 }; // of everything before low
  while (high - low > 1) {
    const pivot = medianOfThree(ids, low, high, before);
    // Move what comes before the pivot to the front, the pivot behind it.
    let middle = low;
    let mass = seen.mass;
    swap(ids, pivot, high - 1);
    const pivotId = ids[high - 1]!;
    for (let i = low; i < high - 1; i++) {
      if (before(ids[i]!, pivotId) >= 0) continue;
      mass += weights[ids[i]!]!;
      swap(ids, i, middle++);
    }
    swap(ids, middle, high - 1);
    const front: Seen = { count: middle, mass };
    if (enough(front)) high = middle;
    else if (enough({ count: middle + 1, mass: mass + weights[pivotId]! }))
      return { weight: weights[pivotId]!, id: pivotId };
    else {
      seen = { count: middle + 1, mass: mass + weights[pivotId]! };
      low = middle + 1;
    }
  }
  const id = ids[Math.min(low, ids.length - 1)]!; // past the end only when rounding keeps the mass below its total
  return { weight: weights[id]!, id };
}

/** Of first, middle and last the one in between: lists that are already in order stay fast. */
function medianOfThree(ids: Int32Array, low: number, high: number, before: (a: number, b: number) => number): number {
  const middle = (low + high) >>> 1;
  const last = high - 1;
  if (before(ids[low]!, ids[middle]!) < 0) {
    if (before(ids[middle]!, ids[last]!) < 0) return middle;
    return before(ids[low]!, ids[last]!) < 0 ? last : low;
  }
  if (before(ids[low]!, ids[last]!) < 0) return low;
  return before(ids[middle]!, ids[last]!) < 0 ? last : middle;
}

function swap(ids: Int32Array, a: number, b: number): void {
  const held = ids[a]!;
  ids[a] = ids[b]!;
  ids[b] = held;
}
