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

/** Runs a whole sequence and hands out its logits row by row, so that memory does not grow with its length. */
export async function evaluate(model: Model, ids: ArrayLike<number>, options: EvaluateOptions): Promise<void> {
  const positions = options.positions ?? Array.from({ length: ids.length }, (_, position) => position);
  const bad = positions.find((position) => !(Number.isInteger(position) && position >= 0 && position < ids.length));
  if (bad !== undefined) throw new RangeError(`Cannot return logits of position ${bad} of ${ids.length} tokens`);
  const order = positions.map((_, index) => index).sort((a, b) => positions[a]! - positions[b]!);

  const { vocabSize } = model.config;
  let next = 0;
  await inChunks(model, ids, options.chunk ?? CHUNK, async (run, start, end) => {
    const first = next;
    while (next < order.length && positions[order[next]!]! < end) next++;
    const here = order.slice(first, next);
    const { logits } = await run(here.map((index) => positions[index]! - start));
    here.forEach((index, row) => {
      options.onRow(index, logits[0]!.subarray(row * vocabSize, (row + 1) * vocabSize));
    });
  });
}

/** Which experts each token asked in one layer, best first, and how much each counted; [tokens, picked] each. */
export interface LayerRouting {
  readonly experts: Int32Array;
  readonly weights: Float32Array;
}

/** Runs a whole sequence and returns the router's choices, per layer. */
export async function routing(
  model: Model,
  ids: ArrayLike<number>,
  options: { readonly chunk?: number } = {},
): Promise<LayerRouting[]> {
  const { numLayers, expertsPerToken } = model.config;
  const layers = Array.from({ length: numLayers }, () => ({
    experts: new Int32Array(ids.length * expertsPerToken),
    weights: new Float32Array(ids.length * expertsPerToken),
  }));
  const observe = (name: string) => name.endsWith('.expert_indices') || name.endsWith('.expert_weights');
  await inChunks(model, ids, options.chunk ?? CHUNK, async (run, start) => {
    const { observed } = await run([], observe);
    layers.forEach(({ experts, weights }, layer) => {
      experts.set(observed.get(`layers.${layer}.expert_indices`)!.values, start * expertsPerToken);
      weights.set(observed.get(`layers.${layer}.expert_weights`)!.values, start * expertsPerToken);
    });
  });
  return layers;
}

type RunChunk = (logits: readonly number[], observe?: (name: string) => boolean) => ReturnType<typeof runStep>;

/** Walks `ids` in steps of `chunk` through a cache of their own. */
async function inChunks(
  model: Model,
  ids: ArrayLike<number>,
  chunk: number,
  visit: (run: RunChunk, start: number, end: number) => Promise<void>,
): Promise<void> {
  if (!Number.isSafeInteger(chunk) || chunk < 1)
    throw new RangeError(`Expected chunk to be a positive integer, got ${chunk}`);
  const all = Array.from(ids);
  const cache = new KvCache(model, { maxTokens: Math.max(1, all.length) });
  try {
    const sequence = cache.open();
    for (let start = 0; start < all.length; start += chunk) {
      const part = all.slice(start, start + chunk);
      const run: RunChunk = (logits, observe) =>
        runStep(model, cache, [{ sequence, ids: part, logits }], observe ? { observe } : {});
      await visit(run, start, start + part.length);
    }
  } finally {
    cache.dispose();
  }
}
