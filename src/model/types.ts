import type { Backend, KvBits, Weight } from '../backends/index.ts';

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

/** `T` is a weight on the backend or, before it is there, a `HostTensor`. */
export interface AttentionWeights<T = Weight> {
  readonly norm: T; //   [hidden]
  readonly q: T; //      [heads * headDim, hidden]
  readonly qBias: T;
  readonly k: T; //      [kvHeads * headDim, hidden]
  readonly kBias: T;
  readonly v: T; //      [kvHeads * headDim, hidden]
  readonly vBias: T;
  readonly sinks: T; //  [heads]
  readonly out: T; //    [hidden, heads * headDim]
  readonly outBias: T;
}

export interface ExpertWeights<T = Weight> {
  readonly norm: T; //       [hidden]
  readonly router: T; //     [experts, hidden]
  readonly routerBias: T;
  readonly gate: T; //       [experts, intermediate, hidden]
  readonly gateBias: T;
  readonly linear: T; //     [experts, intermediate, hidden]
  readonly linearBias: T;
  readonly down: T; //       [experts, hidden, intermediate]
  readonly downBias: T;
}

export interface LayerWeights<T = Weight> {
  readonly attention: AttentionWeights<T>;
  readonly experts: ExpertWeights<T>;
}

export interface ModelWeights<T = Weight> {
  readonly embedding: T; //   [vocab, hidden]
  readonly layers: readonly LayerWeights<T>[];
  readonly norm: T; //        [hidden]
  readonly unembedding: T; // [vocab, hidden]
}

export interface Model {
  readonly config: ModelConfig;
  readonly weights: ModelWeights;
  readonly backend: Backend;
  /** How its KV caches round keys and values. */
  readonly kvBits: KvBits;
}
