import type { KvView } from '../backend.ts';
import type { ReferenceKvPool } from './kv-pool.ts';

/** A run of consecutive positions inside one block. */
interface Stretch {
  readonly block: Float32Array;
  /** First slot in the block. */
  readonly slot: number;
  readonly count: number;
}

/**
 * Each query mixes the values of the keys it may see. q and out [tokens, heads * headDim], sinks [heads]
 *
 *     p_k = exp(s_k − m) / (exp(sink − m) + Σ exp(s_j − m)),  s = q·k / √headDim,  m = max of all s_j and the sink
 *
 * The sink joins the softmax without a value, so a head may look at nothing.
 *
 * Reference: gpt_oss/torch/model.py, sdpa
 */
export function attend(
  q: Float32Array,
  pool: ReferenceKvPool,
  layer: number,
  sinks: Float32Array,
  view: KvView,
  window: number,
  out: Float32Array,
): void {
  const { kvHeads, headDim } = pool.shape;
  const heads = sinks.length;
  const query = new Float64Array(headDim);
  const mixed = new Float64Array(headDim);
  let scores = new Float64Array(1024);
  for (let token = 0; token < view.positions.length; token++) {
    const stretches = visible(pool, view, token, window);
    const numKeys = stretches.reduce((sum, { count }) => sum + count, 0);
    if (scores.length < numKeys) scores = new Float64Array(2 * numKeys);
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor((head * kvHeads) / heads);
      const start = (token * heads + head) * headDim;
      query.set(q.subarray(start, start + headDim));
      let at = 0;
      for (const { block, slot, count } of stretches) {
        score(query, block, pool.at(layer, 0, kvHead, slot), count, scores, at);
        at += count;
      }
      softmax(scores, numKeys, 1 / Math.sqrt(headDim), sinks[head]!);
      mixed.fill(0);
      at = 0;
      for (const { block, slot, count } of stretches) {
        mix(scores, at, block, pool.at(layer, 1, kvHead, slot), count, mixed);
        at += count;
      }
      out.set(mixed, start);
    }
  }
}

/** The keys that a token sees: positions max(0, p − window + 1) … p, or all up to p when window is 0. */
function visible(pool: ReferenceKvPool, view: KvView, token: number, window: number): Stretch[] {
  const { blockSize } = pool.shape;
  const end = view.positions[token]! + 1;
  const stretches: Stretch[] = [];
  for (let position = window > 0 ? Math.max(0, end - window) : 0; position < end; ) {
    const index = Math.floor(position / blockSize);
    const slot = position % blockSize;
    const count = Math.min(blockSize - slot, end - position);
    const block = pool.block(view.tables[view.sequences[token]! * view.tableWidth + index]!);
    stretches.push({ block, slot, count });
    position += count;
  }
  return stretches;
}

/** scores[at + j] = query · key j, four keys at a time so that they share the query's loads. */
function score(
  query: Float64Array,
  keys: Float32Array,
  start: number,
  count: number,
  scores: Float64Array,
  at: number,
): void {
  const dim = query.length;
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const k = start + j * dim;
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let d = 0; d < dim; d++) {
      const a = query[d]!;
      s0 += a * keys[k + d]!;
      s1 += a * keys[k + dim + d]!;
      s2 += a * keys[k + 2 * dim + d]!;
      s3 += a * keys[k + 3 * dim + d]!;
    }
    scores[at + j] = s0;
    scores[at + j + 1] = s1;
    scores[at + j + 2] = s2;
    scores[at + j + 3] = s3;
  }
  for (; j < count; j++) {
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += query[d]! * keys[start + j * dim + d]!;
    scores[at + j] = sum;
  }
}

/** Turns raw scores into weights, in place. */
function softmax(scores: Float64Array, count: number, scale: number, sink: number): void {
  let max = sink;
  for (let j = 0; j < count; j++) max = Math.max(max, scores[j]! * scale);
  let sum = Math.exp(sink - max);
  for (let j = 0; j < count; j++) {
    scores[j] = Math.exp(scores[j]! * scale - max);
    sum += scores[j]!;
  }
  for (let j = 0; j < count; j++) scores[j]! /= sum;
}

/** mixed += Σ weights[at + j] · value j, in order. */
function mix(
  weights: Float64Array,
  at: number,
  values: Float32Array,
  start: number,
  count: number,
  mixed: Float64Array,
): void {
  const dim = mixed.length;
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const v = start + j * dim;
    const p0 = weights[at + j]!;
    const p1 = weights[at + j + 1]!;
    const p2 = weights[at + j + 2]!;
    const p3 = weights[at + j + 3]!;
    for (let d = 0; d < dim; d++) {
      mixed[d]! +=
        p0 * values[v + d]! + p1 * values[v + dim + d]! + p2 * values[v + 2 * dim + d]! + p3 * values[v + 3 * dim + d]!;
    }
  }
  for (; j < count; j++) {
    const p = weights[at + j]!;
    for (let d = 0; d < dim; d++) mixed[d]! += p * values[start + j * dim + d]!;
  }
}
