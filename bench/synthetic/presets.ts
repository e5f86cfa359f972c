import type { ModelConfig } from '../../src/model/index.ts';

interface Sizes {
  readonly numLayers: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numExperts: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
}

const FULL = {
  hiddenSize: 2880,
  intermediateSize: 2880,
  numAttentionHeads: 64,
  numKeyValueHeads: 8,
  headDim: 64,
};

/** Shapes to measure. `120b` has only a few of its 36 layers: they are all alike, and the whole takes 65 GB. */
export const presets = {
  '20b': gptOss({ ...FULL, numLayers: 24, numExperts: 32 }),
  '120b': gptOss({ ...FULL, numLayers: 4, numExperts: 128 }),
  /** A sixth of `20b`, layers and vocabulary alike: what a token reads has the same proportions. */
  '20b-sixth': gptOss({ ...FULL, numLayers: 4, numExperts: 32 }, 33_536),
  tiny: gptOss({
    numLayers: 4,
    hiddenSize: 256,
    intermediateSize: 256,
    numExperts: 8,
    numAttentionHeads: 8,
    numKeyValueHeads: 2,
    headDim: 64,
  }),
} as const satisfies Record<string, ModelConfig>;

export type Preset = keyof typeof presets;

/** A gpt-oss model of these sizes; all else is as in gpt-oss-20b. */
export function gptOss(sizes: Sizes, vocabSize = 201_088): ModelConfig {
  const slidingWindow = 128;
  return {
    ...sizes,
    vocabSize,
    slidingWindow,
    expertsPerToken: 4,
    windows: Array.from({ length: sizes.numLayers }, (_, layer) => (layer % 2 === 0 ? slidingWindow : 0)),
    ropeTheta: 150_000,
    ropeScalingFactor: 32,
    ropeBetaSlow: 1,
    ropeBetaFast: 32,
    initialContextLength: 4096,
    maxContextLength: 131_072,
    rmsNormEpsilon: 1e-5,
    swigluLimit: 7,
    swigluAlpha: 1.702,
  };
}
