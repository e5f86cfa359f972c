import type { ModelConfig } from '../../src/model/index.ts';

/** How the dense matrices are held. */
export type DenseKind = 'bf16' | 'q8_0' | 'q8';

/** Bytes of a weight: Q8_0 has an f16 scale for 32 codes, Ossia's own form an f32 one, MXFP4 a byte for 32 nibbles. */
const DENSE_BYTES: Readonly<Record<DenseKind, number>> = { bf16: 2, q8_0: 34 / 32, q8: 36 / 32 };
const MXFP4_BYTES = 17 / 32;

/** Weights of the parts that one token goes through. */
function activeWeights(c: ModelConfig) {
  const queries = c.numAttentionHeads * c.headDim;
  const keys = c.numKeyValueHeads * c.headDim;
  return {
    attention: c.numLayers * c.hiddenSize * (2 * queries + 2 * keys),
    router: c.numLayers * c.hiddenSize * c.numExperts,
    expert: c.numLayers * 3 * c.hiddenSize * c.intermediateSize, // one in each layer
    unembedding: c.hiddenSize * c.vocabSize,
  };
}

/** How many of a layer's experts `tokens` tokens ask together, when each asks its own at random. */
export function distinctExperts({ numExperts, expertsPerToken }: ModelConfig, tokens: number): number {
  return numExperts * (1 - (1 - expertsPerToken / numExperts) ** tokens);
}

/** Bytes that one step of decoding must read: each weight in use once, and every stream's keys and values. */
export function bytesPerStep(
  config: ModelConfig,
  dense: DenseKind,
  streams: number,
  kvBytesPerToken: number,
  contextLength: number,
): number {
  const { attention, router, expert, unembedding } = activeWeights(config);
  const weights =
    (attention + unembedding) * DENSE_BYTES[dense] +
    router * (dense === 'q8_0' ? 4 : 2) + // f32 in GGUF
    distinctExperts(config, streams) * expert * MXFP4_BYTES;
  const windowed = Math.min(contextLength, config.slidingWindow); // the other half of the layers
  return weights + streams * kvBytesPerToken * (contextLength + windowed);
}

/** Multiplications and additions of a prompt token, attention and the unembedding of the last one left out. */
export function operationsPerPromptToken(config: ModelConfig): number {
  const { attention, router, expert } = activeWeights(config);
  return 2 * (attention + router + expert * config.expertsPerToken);
}
