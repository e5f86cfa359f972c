import type { SamplingKernels } from '../sampling.ts';

/** What the sampling kernels mean, and what they are where there is no addon. */
export const referenceSampling: SamplingKernels = { copyFinite, argmax, weigh, pick, gather, blockMaxima, largest };

function copyFinite(logits: Float32Array, out: Float32Array): number {
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += logits[id]! * 0; // NaN as soon as one is not finite
  if (sum !== 0) return logits.findIndex((logit) => !Number.isFinite(logit));
  out.set(logits);
  return -1;
}

function argmax(row: Float32Array): number {
  let best = 0;
  for (let id = 1; id < row.length; id++) if (row[id]! > row[best]!) best = id;
  return best;
}

function weigh(row: Float32Array, max: number, scale: number, weights: Float64Array | null): number {
  let sum = 0;
  if (weights === null) {
    for (let id = 0; id < row.length; id++) sum += weight(row[id]! - max, scale);
    return sum;
  }
  for (let id = 0; id < row.length; id++) {
    weights[id] = weight(row[id]! - max, scale);
    sum += weights[id]!;
  }
  return sum;
}

/** A difference of 0 stays 0 whatever the scale: an infinite one (temperature near 1e-320) must not make it NaN. */
function weight(below: number, scale: number): number {
  return below === 0 ? 1 : Math.exp(below * scale);
}

function pick(weights: Float64Array, left: number): number {
  let last = -1;
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id]!;
    if (!(weight > 0)) continue;
    left -= weight;
    if (left < 0) return id;
    last = id;
  }
  return last;
}

function gather(weights: Float64Array, cutWeight: number, cutId: number, ids: Int32Array): number {
  let count = 0;
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id]!;
    if (weight > 0 && (weight > cutWeight || (weight === cutWeight && id <= cutId))) ids[count++] = id;
  }
  return count;
}

function blockMaxima(weights: Float64Array, block: number, out: Float64Array): void {
  for (let begin = 0, at = 0; begin < weights.length; begin += block) {
    const end = Math.min(begin + block, weights.length);
    let max = weights[begin]!;
    for (let id = begin + 1; id < end; id++) if (weights[id]! > max) max = weights[id]!;
    out[at++] = max;
  }
}

function largest(row: Float32Array, ids: Int32Array): number {
  let found = 0;
  let floor = Number.NEGATIVE_INFINITY; // nothing below enters a full list
  for (let id = 0; id < row.length; id++) {
    const logit = row[id]!;
    if (!(logit > floor)) continue;
    let at = found < ids.length ? found++ : found - 1;
    for (; at > 0 && logit > row[ids[at - 1]!]!; at--) ids[at] = ids[at - 1]!;
    ids[at] = id;
    if (found === ids.length) floor = row[ids[found - 1]!]!;
  }
  return found;
}
