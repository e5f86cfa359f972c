import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelConfig } from '../../model/index.ts';
import { parameterCount, parameterSize } from './parameter-count.ts';

const config: ModelConfig = {
  ...{
    numLayers: 24,
    hiddenSize: 2880,
    intermediateSize: 2880,
    numExperts: 32,
    expertsPerToken: 4,
    vocabSize: 201_088,
  },
  ...{ numAttentionHeads: 64, numKeyValueHeads: 8, headDim: 64, slidingWindow: 128, windows: [], ropeTheta: 150_000 },
  ...{
    ropeScalingFactor: 32,
    ropeBetaSlow: 1,
    ropeBetaFast: 32,
    initialContextLength: 4096,
    maxContextLength: 131_072,
  },
  ...{ rmsNormEpsilon: 1e-5, swigluLimit: 7, swigluAlpha: 1.702 },
};

test('gpt-oss-20b and 120b have as many weights as their model card says', () => {
  assert.deepEqual([parameterCount(config), parameterSize(config)], [20_914_757_184, '20.9B']);
  const large = { ...config, numLayers: 36, numExperts: 128 };
  assert.deepEqual([parameterCount(large), parameterSize(large)], [116_829_156_672, '116.8B']);
});
