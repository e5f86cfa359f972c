import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OssiaError } from '../base/index.ts';
import type { Checkpoint, FileTensor } from '../checkpoint/index.ts';
import { readConfig } from './config.ts';

type Metadata = Record<string, unknown>;

const ropeScaling = {
  beta_fast: 32.0,
  beta_slow: 1.0,
  factor: 32.0,
  original_max_position_embeddings: 4096,
  rope_type: 'yarn',
  truncate: false,
};

/** config.json of openai/gpt-oss-20b, as far as the arithmetic goes. */
const huggingFace: Metadata = {
  attention_bias: true,
  experts_per_token: 4,
  head_dim: 64,
  hidden_act: 'silu',
  hidden_size: 2880,
  initial_context_length: 4096,
  intermediate_size: 2880,
  layer_types: Array.from({ length: 24 }, (_, i) => (i % 2 ? 'full_attention' : 'sliding_attention')),
  max_position_embeddings: 131072,
  model_type: 'gpt_oss',
  num_attention_heads: 64,
  num_experts_per_tok: 4,
  num_hidden_layers: 24,
  num_key_value_heads: 8,
  num_local_experts: 32,
  rms_norm_eps: 1e-5,
  rope_scaling: ropeScaling,
  rope_theta: 150000,
  sliding_window: 128,
  swiglu_limit: 7.0,
  tie_word_embeddings: false,
  vocab_size: 201088,
};

const original: Metadata = {
  num_hidden_layers: 24,
  num_experts: 32,
  experts_per_token: 4,
  vocab_size: 201088,
  hidden_size: 2880,
  intermediate_size: 2880,
  swiglu_limit: 7.0,
  head_dim: 64,
  num_attention_heads: 64,
  num_key_value_heads: 8,
  sliding_window: 128,
  initial_context_length: 4096,
  rope_theta: 150000,
  rope_scaling_factor: 32.0,
  rope_ntk_alpha: 1,
  rope_ntk_beta: 32,
};

const llamaCpp: Metadata = {
  'general.architecture': 'gpt-oss',
  'gpt-oss.block_count': 24,
  'gpt-oss.context_length': 131072,
  'gpt-oss.embedding_length': 2880,
  'gpt-oss.feed_forward_length': 2880,
  'gpt-oss.expert_feed_forward_length': 2880,
  'gpt-oss.attention.head_count': 64,
  'gpt-oss.attention.head_count_kv': 8,
  'gpt-oss.attention.key_length': 64,
  'gpt-oss.attention.value_length': 64,
  'gpt-oss.attention.layer_norm_rms_epsilon': Math.fround(1e-5),
  'gpt-oss.attention.sliding_window': 128,
  'gpt-oss.expert_count': 32,
  'gpt-oss.expert_used_count': 4,
  'gpt-oss.rope.freq_base': 150000,
  'gpt-oss.rope.scaling.type': 'yarn',
  'gpt-oss.rope.scaling.factor': 32,
  'gpt-oss.rope.scaling.original_context_length': 4096,
};

/** Ollama writes its own prefix, and neither the width of experts nor the kind of scaling. */
const ollama = Object.fromEntries(
  Object.entries(llamaCpp)
    .filter(([key]) => !key.endsWith('expert_feed_forward_length') && !key.endsWith('scaling.type'))
    .map(([key, value]) => [key.replace('gpt-oss.', 'gptoss.'), value === 'gpt-oss' ? 'gptoss' : value]),
);

function checkpoint(layout: Checkpoint['layout'], metadata: Metadata, vocab = 201088): Checkpoint {
  const embedding = { name: 'token_embd.weight', shape: [vocab, 2880] } as unknown as FileTensor;
  const tensors = new Map(layout === 'gguf' ? [[embedding.name, embedding]] : []);
  return { path: 'model', layout, metadata, generation: {}, tensors, files: [], mapped: false, close() {} };
}

const dialects = {
  'Hugging Face': checkpoint('huggingface', huggingFace),
  'transformers 5': checkpoint('huggingface', {
    ...huggingFace,
    rope_theta: undefined,
    rope_scaling: null,
    rope_parameters: { ...ropeScaling, rope_theta: 150000 },
  }),
  'the original layout': checkpoint('original', original),
  'llama.cpp': checkpoint('gguf', llamaCpp),
  Ollama: checkpoint('gguf', ollama),
};

for (const [name, source] of Object.entries(dialects)) {
  test(`gpt-oss-20b has the same numbers in the dialect of ${name}`, () => {
    assert.deepEqual(readConfig(source), {
      numLayers: 24,
      hiddenSize: 2880,
      intermediateSize: 2880,
      numExperts: 32,
      expertsPerToken: 4,
      numAttentionHeads: 64,
      numKeyValueHeads: 8,
      headDim: 64,
      vocabSize: 201088,
      slidingWindow: 128,
      windows: Array.from({ length: 24 }, (_, layer) => (layer % 2 === 0 ? 128 : 0)),
      ropeTheta: 150000,
      ropeScalingFactor: 32,
      ropeBetaSlow: 1,
      ropeBetaFast: 32,
      initialContextLength: 4096,
      maxContextLength: 131072,
      rmsNormEpsilon: Math.fround(1e-5),
      swigluLimit: 7,
      swigluAlpha: 1.702,
    });
  });
}

test('layer types are taken from the file, in whatever order it has them', () => {
  const layer_types = ['full_attention', 'full_attention', 'sliding_attention'];
  const config = readConfig(checkpoint('huggingface', { ...huggingFace, num_hidden_layers: 3, layer_types }));
  assert.deepEqual(config.windows, [0, 0, 128]);
});

test('without layer types even layers slide', () => {
  const config = readConfig(
    checkpoint('huggingface', { ...huggingFace, num_hidden_layers: 3, layer_types: undefined }),
  );
  assert.deepEqual(config.windows, [128, 0, 128]);
});

test('two counts of experts a token that differ are refused', () => {
  const differing = checkpoint('huggingface', { ...huggingFace, num_experts_per_tok: 3 });
  assert.throws(() => readConfig(differing), refusal('checkpoint/bad-config', /experts_per_token/));
});

test('other models are refused by name', () => {
  const cases: [Checkpoint['layout'], Metadata][] = [
    ['huggingface', { model_type: 'llama', hidden_size: 64 }],
    ['original', { ...original, model_type: 'mixtral' }],
    ['gguf', { 'general.architecture': 'qwen3moe' }],
  ];
  for (const [layout, metadata] of cases) {
    assert.throws(
      () => readConfig(checkpoint(layout, metadata)),
      refusal('checkpoint/unsupported-model', /llama|mixtral|qwen3moe/),
    );
  }
});

const absurd: Record<string, readonly unknown[]> = {
  num_hidden_layers: [0, -1, 1.5, '24', 1e9, undefined, null, Number.NaN],
  hidden_size: [0, 2881, 16, 2 ** 40],
  intermediate_size: [2864, [2880]],
  num_local_experts: [0, 1e6, 3],
  num_experts_per_tok: [0, 33],
  num_attention_heads: [0, 63, 2 ** 30],
  num_key_value_heads: [0, 65, 7],
  head_dim: [0, 63, 8, 65536],
  vocab_size: [0, 2 ** 31],
  sliding_window: [0, -128, null],
  layer_types: [['full_attention'], 'sliding', Array(24).fill('linear_attention')],
  rope_theta: [0, 1, -5, Number.POSITIVE_INFINITY],
  rope_scaling: [
    undefined,
    [],
    'yarn',
    { ...ropeScaling, rope_type: 'llama3' },
    { ...ropeScaling, truncate: true },
    { ...ropeScaling, factor: 0.5 },
    { ...ropeScaling, beta_fast: 1 },
    { ...ropeScaling, original_max_position_embeddings: 0 },
  ],
  max_position_embeddings: [0, 2 ** 31],
  rms_norm_eps: [0, -1, 2, '1e-5'],
  swiglu_limit: [0, -7],
  hidden_act: ['gelu'],
  attention_bias: [false],
  tie_word_embeddings: [true],
};

for (const [key, values] of Object.entries(absurd)) {
  test(`an absurd ${key} is refused by its name, with what came and what was expected`, () => {
    for (const value of values) {
      const broken = checkpoint('huggingface', { ...huggingFace, [key]: value });
      // Experts and heads are checked against each other, so either may be named.
      const names = key === 'num_local_experts' ? /expert/ : key === 'num_attention_heads' ? /heads/ : new RegExp(key);
      assert.throws(
        () => readConfig(broken),
        refusal('checkpoint/bad-config', names),
        `${key} ${JSON.stringify(value)}`,
      );
    }
  });
}

test('a GGUF file without its embedding, or with an absurd one, is refused', () => {
  const empty = { ...checkpoint('gguf', llamaCpp), tensors: new Map() };
  assert.throws(() => readConfig(empty), refusal('checkpoint/missing-tensor', /token_embd\.weight/));
  assert.throws(() => readConfig(checkpoint('gguf', llamaCpp, 2 ** 40)), refusal('checkpoint/wrong-shape', /rows/));
});

test('a key that JavaScript objects inherit counts as missing', () => {
  const broken = checkpoint('huggingface', {
    model_type: 'gpt_oss',
    rope_parameters: JSON.parse('{"__proto__": {"factor": 32}}'),
  });
  assert.throws(() => readConfig(broken), refusal('checkpoint/bad-config', /rope_parameters\.type/));
});

function refusal(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof OssiaError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}
