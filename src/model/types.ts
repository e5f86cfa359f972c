import type { Backend, Weight } from '../backends/index.ts';

/** The numbers of a gpt-oss model, whatever the dialect of the file they came from. Names follow gpt_oss/torch/model.py. */
export interface ModelConfig {
  readonly numLayers: number;
  readonly hiddenSize: number;
  /** Width of an expert. */
  readonly intermediateSize: number;
  readonly numExperts: number;
  readonly expertsPerToken: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly slidingWindow: number;
  /** Per layer: the window, or 0 where a token sees everything before it. */
  readonly windows: readonly number[];
  readonly ropeTheta: number;
  readonly ropeScalingFactor: number;
  readonly ropeBetaSlow: number;
  readonly ropeBetaFast: number;
  readonly initialContextLength: number;
  readonly maxContextLength: number;
  readonly rmsNormEpsilon: number;
  readonly swigluLimit: number;
  readonly swigluAlpha: number;
}

export interface AttentionWeights {
  readonly norm: Weight; //   [hidden]
  readonly q: Weight; //      [heads * headDim, hidden]
  readonly qBias: Weight;
  readonly k: Weight; //      [kvHeads * headDim, hidden]
  readonly kBias: Weight;
  readonly v: Weight; //      [kvHeads * headDim, hidden]
  readonly vBias: Weight;
  readonly sinks: Weight; //  [heads]
  readonly out: Weight; //    [hidden, heads * headDim]
  readonly outBias: Weight;
}

export interface ExpertWeights {
  readonly norm: Weight; //       [hidden]
  readonly router: Weight; //     [experts, hidden]
  readonly routerBias: Weight;
  readonly gate: Weight; //       [experts, intermediate, hidden]
  readonly gateBias: Weight;
  readonly linear: Weight; //     [experts, intermediate, hidden]
  readonly linearBias: Weight;
  readonly down: Weight; //       [experts, hidden, intermediate]
  readonly downBias: Weight;
}

export interface ModelWeights {
  readonly embedding: Weight; //   [vocab, hidden]
  readonly layers: readonly { readonly attention: AttentionWeights; readonly experts: ExpertWeights }[];
  readonly norm: Weight; //        [hidden]
  readonly unembedding: Weight; // [vocab, hidden]
}

export interface Model {
  readonly config: ModelConfig;
  readonly weights: ModelWeights;
  readonly backend: Backend;
}
