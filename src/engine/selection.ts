/**
 * Finding where to cut a list of weights in falling order, without sorting it: quickselect, in time proportional to the
 * vocabulary. Among equal weights the lower id comes first, so the order is total and a cut is one (weight, id).
 */
export interface Cut {
  readonly weight: number;
  readonly id: number;
}

/** Negative when (weight, id) comes before (otherWeight, otherId): the heavier first, then the lower id. */
export function compareWeights(weight: number, id: number, otherWeight: number, otherId: number): number {
  return otherWeight - weight || id - otherId;
}

/** The last of the `count` heaviest. */
export function cutAfterCount(weights: Float64Array, count: number): Cut {
  return select(weights, undefined, (seen) => seen.count >= count);
}

/** The last of the smallest heaviest set that holds `fraction` of the mass; of all weights, or of those up to `within`. */
export function cutAfterMass(weights: Float64Array, fraction: number, within?: Cut): Cut {
  let total = 0;
  for (let id = 0; id < weights.length; id++) {
    if (!within || compareWeights(weights[id]!, id, within.weight, within.id) <= 0) total += weights[id]!;
  }
  return select(weights, within, (seen) => seen.mass >= fraction * total);
}

interface Seen {
  count: number;
  mass: number;
}

/** The first entry, in falling order, at which `enough` holds for what stands up to and including it. */
function select(weights: Float64Array, within: Cut | undefined, enough: (seen: Seen) => boolean): Cut {
  const ids = candidates(weights, within);
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

/** Ids that weigh anything and stand within the cut: usually far fewer than the vocabulary. */
function candidates(weights: Float64Array, within: Cut | undefined): Int32Array {
  const ids = new Int32Array(weights.length);
  let count = 0;
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id]!;
    if (weight > 0 && (!within || compareWeights(weight, id, within.weight, within.id) <= 0)) ids[count++] = id;
  }
  return ids.subarray(0, count);
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
