import type { ModelConfig } from '../../model/index.ts';

/** All weights of a model: embedding and unembedding, attention with its biases and sinks, router, experts, norms. */
export function parameterCount(config: ModelConfig): number {
  const { hiddenSize: hidden, intermediateSize: width, numExperts: experts, vocabSize } = config;
  const queries = config.numAttentionHeads * config.headDim;
  const keys = config.numKeyValueHeads * config.headDim;
  const projections = hidden * (queries + 2 * keys) + (queries + 2 * keys);
  const attention = hidden + projections + queries * hidden + hidden + config.numAttentionHeads;
  const expert = 2 * (width * hidden + width) + (hidden * width + hidden);
  const mixture = hidden + experts * hidden + experts + experts * expert;
  return 2 * vocabSize * hidden + hidden + config.numLayers * (attention + mixture);
}

/** `20.9B`, as Ollama shows it. */
export function parameterSize(config: ModelConfig): string {
  const count = parameterCount(config);
  const [unit, size] = (
    [
      ['B', 1e9],
      ['M', 1e6],
      ['K', 1e3],
    ] as const
  ).find(([, size]) => count >= size) ?? ['', 1];
  return `${(count / size).toFixed(1)}${unit}`;
}
