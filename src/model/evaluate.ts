import { OssiaError } from '../base/index.ts';
import { KvCache } from './kvcache.ts';
import { runStep } from './run.ts';
import type { Model } from './types.ts';

/** Tokens a step when nothing else is asked: their logits take 103 MB with gpt-oss's vocabulary. */
const CHUNK = 128;

export interface EvaluateOptions {
  /** Tokens a step. */
  readonly chunk?: number;
  /** Positions whose logits are wanted, in any order. Default: all. */
  readonly positions?: readonly number[];
  /**
   * Receives the logits [vocab] of one position as they come; `index` is its place in `positions`. The array is reused
   * memory of the step: copy what shall last.
   */
  onRow(index: number, logits: Float32Array): void;
}

/**
 * Runs a whole sequence and hands out its logits row by row, so that memory does not grow with its length.
 *
 * Throws `engine/context-full` for more tokens than the model's context, and `model/not-finite` instead of handing out
 * a row with a NaN or an infinity.
 */
export async function evaluate(model: Model, ids: ArrayLike<number>, options: EvaluateOptions): Promise<void> {
  const positions = options.positions ?? Array.from({ length: ids.length }, (_, position) => position);
  const bad = positions.find((position) => !(Number.isInteger(position) && position >= 0 && position < ids.length));
  if (bad !== undefined) throw new RangeError(`Cannot return logits of position ${bad} of ${ids.length} tokens`);
  const order = positions.map((_, index) => index).sort((a, b) => positions[a]! - positions[b]!);

  const { vocabSize } = model.config;
  let next = 0;
  await inChunks(model, ids, { chunk: options.chunk ?? CHUNK }, async (run, start, end) => {
    const first = next;
    while (next < order.length && positions[order[next]!]! < end) next++;
    const here = order.slice(first, next);
    const { logits } = await run(here.map((index) => positions[index]! - start));
    here.forEach((index, row) => {
      const values = logits[0]!.subarray(row * vocabSize, (row + 1) * vocabSize);
      checkFinite(values, (id) => `the logit of token ${id} at position ${positions[index]}`);
      options.onRow(index, values);
    });
  });
}

/** Which experts each token asked in one layer, best first, and how much each counted; [tokens, picked] each. */
export interface LayerRouting {
  readonly experts: Int32Array;
  readonly weights: Float32Array;
}

export interface RoutingOptions extends Pick<ChunkOptions, 'alone' | 'signal'> {
  /** Tokens a step: a number, or what says it before each step. */
  readonly chunk?: ChunkOptions['chunk'];
  /** The first position to tell of. Default 0. */
  readonly from?: number;
}

/**
 * Runs a whole sequence and returns the router's choices, per layer, for the positions from `from` on. Throws `model/not-finite`
 * for a weight that is none.
 */
export async function routing(
  model: Model,
  ids: ArrayLike<number>,
  { chunk = CHUNK, from = 0, ...rest }: RoutingOptions = {},
): Promise<LayerRouting[]> {
  const { numLayers, expertsPerToken } = model.config;
  const told = Math.max(0, ids.length - from) * expertsPerToken;
  const layers = Array.from({ length: numLayers }, () => ({
    experts: new Int32Array(told),
    weights: new Float32Array(told),
  }));
  const observe = (name: string) => name.endsWith('.expert_indices') || name.endsWith('.expert_weights');
  await inChunks(model, ids, { chunk, ...rest }, async (run, start, end) => {
    const { observed } = await run([], end > from ? observe : undefined);
    if (end <= from) return;
    const skipped = Math.max(0, from - start) * expertsPerToken;
    const at = Math.max(0, start - from) * expertsPerToken;
    layers.forEach(({ experts, weights }, layer) => {
      const chosen = observed.get(`layers.${layer}.expert_weights`)!.values;
      checkFinite(
        chosen,
        (at) => `a router weight of layer ${layer}, position ${start + Math.floor(at / expertsPerToken)}`,
      );
      experts.set(observed.get(`layers.${layer}.expert_indices`)!.values.subarray(skipped), at);
      weights.set(chosen.subarray(skipped), at);
    });
  });
  return layers;
}

/** A NaN in a file or in JSON would look like an answer. */
function checkFinite(values: ArrayLike<number>, name: (index: number) => string): void {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (Number.isFinite(value)) continue;
    throw new OssiaError('model/not-finite', `Cannot use the result of the model: ${name(index)} is ${value}`);
  }
}

type RunChunk = (logits: readonly number[], observe?: (name: string) => boolean) => ReturnType<typeof runStep>;

interface ChunkOptions {
  readonly chunk: number | (() => number);
  /** Runs each step when nobody else computes. Default: at once. */
  readonly alone?: <T>(step: () => Promise<T>) => Promise<T>;
  /** Ends the walk before its next step, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Walks `ids` in steps of `chunk` through a cache of their own. */
async function inChunks(
  model: Model,
  ids: ArrayLike<number>,
  { chunk, alone = (step) => step(), signal }: ChunkOptions,
  visit: (run: RunChunk, start: number, end: number) => Promise<void>,
): Promise<void> {
  const { maxContextLength } = model.config;
  if (ids.length > maxContextLength) {
    const found = `${ids.length} tokens: the context of the model holds ${maxContextLength}`;
    throw new OssiaError('engine/context-full', `Cannot run ${found}`);
  }
  const size = typeof chunk === 'number' ? () => chunk : chunk;
  const all = Array.from(ids);
  const cache = new KvCache(model, { maxTokens: Math.max(1, all.length) });
  try {
    const sequence = cache.open();
    const step = async (start: number): Promise<number> => {
      signal?.throwIfAborted();
      const end = Math.min(all.length, start + checkChunk(size()));
      const part = all.slice(start, end);
      const run: RunChunk = (logits, observe) =>
        runStep(model, cache, [{ sequence, ids: part, logits }], observe ? { observe } : {});
      await visit(run, start, end);
      return end;
    };
    for (let at = 0; at < all.length; ) at = await alone(() => step(at));
  } finally {
    cache.dispose();
  }
}

function checkChunk(chunk: number): number {
  if (Number.isSafeInteger(chunk) && chunk >= 1) return chunk;
  throw new RangeError(`Expected chunk to be a positive integer, got ${chunk}`);
}
