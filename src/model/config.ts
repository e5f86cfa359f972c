import { OssiaError } from '../base/index.ts';
import type { Checkpoint } from '../checkpoint/index.ts';
import { Keys } from './keys.ts';
import type { ModelConfig } from './types.ts';

/** Sigmoid's factor in SwiGLU; no dialect has a key for it. (gpt_oss/torch/model.py, swiglu) */
const SWIGLU_ALPHA = 1.702;
// What gpt-oss uses where a dialect has no key.
const SWIGLU_LIMIT = 7;
const RMS_NORM_EPSILON = 1e-5;
const BETA_FAST = 32;
const BETA_SLOW = 1;

// More than any gpt-oss model asks for; they keep the sizes of allocations and products sane on a hostile file.
const MAX_LAYERS = 1024;
const MAX_WIDTH = 1 << 16;
const MAX_EXPERTS = 4096;
const MAX_HEADS = 1024;
const MAX_HEAD_DIM = 1024;
const MAX_VOCAB = 1 << 22;
const MAX_CONTEXT = 1 << 24;

const THETA = { above: 1, to: 1e12 };
const FACTOR = { from: 1, to: 1e6 };
const BETA = { above: 0, to: 1e6 };
const EPSILON = { above: 0, to: 1 };
const LIMIT = { above: 0, to: 1e6 };

/** Reads and checks the numbers of a model, in whichever dialect its checkpoint has them. */
export function readConfig(checkpoint: Checkpoint): ModelConfig {
  const keys = new Keys(checkpoint.path, checkpoint.metadata);
  switch (checkpoint.layout) {
    case 'huggingface':
      return readHuggingFace(keys);
    case 'original':
      return readOriginal(keys);
    case 'gguf':
      return readGguf(keys, checkpoint);
  }
}

/** config.json as Hugging Face writes it: transformers 4 (`rope_scaling` beside `rope_theta`) or 5 (`rope_parameters`). */
function readHuggingFace(keys: Keys): ModelConfig {
  requireModel(keys, 'model_type', ['gpt_oss']);
  keys.expect('hidden_act', 'silu');
  keys.expect('attention_bias', true);
  keys.expect('tie_word_embeddings', false);
  const rope = keys.child(keys.has('rope_parameters') ? 'rope_parameters' : 'rope_scaling');
  rope.string(rope.has('rope_type') ? 'rope_type' : 'type', ['yarn']);
  rope.expect('truncate', false); // true rounds the ramp's ends: another model
  const sizes = readSizes(keys, {
    layers: 'num_hidden_layers',
    hidden: 'hidden_size',
    width: 'intermediate_size',
    experts: 'num_local_experts',
    picked: keys.has('num_experts_per_tok') ? 'num_experts_per_tok' : 'experts_per_token',
    heads: 'num_attention_heads',
    kvHeads: 'num_key_value_heads',
    headDim: 'head_dim',
    window: 'sliding_window',
  });
  keys.expect('experts_per_token', sizes.expertsPerToken); // files hold this number under both names
  const initial = 'original_max_position_embeddings';
  return finish({
    ...sizes,
    vocabSize: keys.integer('vocab_size', 1, MAX_VOCAB),
    windows: layerTypes(keys, sizes) ?? alternating(sizes),
    ropeTheta: (rope.has('rope_theta') ? rope : keys).number('rope_theta', THETA),
    ropeScalingFactor: rope.number('factor', FACTOR),
    ...readBetas(rope, 'beta_slow', 'beta_fast'),
    initialContextLength: rope.has(initial)
      ? rope.integer(initial, 1, MAX_CONTEXT)
      : keys.integer('initial_context_length', 1, MAX_CONTEXT),
    maxContextLength: keys.integer('max_position_embeddings', 1, MAX_CONTEXT),
    rmsNormEpsilon: keys.number('rms_norm_eps', EPSILON, RMS_NORM_EPSILON),
    swigluLimit: keys.number('swiglu_limit', LIMIT, SWIGLU_LIMIT),
  });
}

/** OpenAI's own config.json: flat, without a maximum context. */
function readOriginal(keys: Keys): ModelConfig {
  if (keys.has('model_type')) requireModel(keys, 'model_type', ['gpt_oss']);
  const sizes = readSizes(keys, {
    layers: 'num_hidden_layers',
    hidden: 'hidden_size',
    width: 'intermediate_size',
    experts: 'num_experts',
    picked: 'experts_per_token',
    heads: 'num_attention_heads',
    kvHeads: 'num_key_value_heads',
    headDim: 'head_dim',
    window: 'sliding_window',
  });
  const initialContextLength = keys.integer('initial_context_length', 1, MAX_CONTEXT);
  const ropeScalingFactor = keys.number('rope_scaling_factor', FACTOR);
  return finish({
    ...sizes,
    vocabSize: keys.integer('vocab_size', 1, MAX_VOCAB),
    windows: alternating(sizes),
    ropeTheta: keys.number('rope_theta', THETA),
    ropeScalingFactor,
    ...readBetas(keys, 'rope_ntk_alpha', 'rope_ntk_beta'),
    initialContextLength,
    maxContextLength: Math.min(MAX_CONTEXT, Math.floor(initialContextLength * ropeScalingFactor)),
    rmsNormEpsilon: RMS_NORM_EPSILON,
    swigluLimit: keys.number('swiglu_limit', LIMIT, SWIGLU_LIMIT),
  });
}

/** GGUF key-value pairs: llama.cpp's (`gpt-oss.*`), or Ollama's (`gptoss.*`) with fewer keys. */
function readGguf(all: Keys, checkpoint: Checkpoint): ModelConfig {
  const architecture = requireModel(all, 'general.architecture', ['gpt-oss', 'gptoss']);
  const keys = all.prefixed(`${architecture}.`);
  const sizes = readSizes(keys, {
    layers: 'block_count',
    hidden: 'embedding_length',
    width: keys.has('expert_feed_forward_length') ? 'expert_feed_forward_length' : 'feed_forward_length',
    experts: 'expert_count',
    picked: 'expert_used_count',
    heads: 'attention.head_count',
    kvHeads: 'attention.head_count_kv',
    headDim: 'attention.key_length',
    window: 'attention.sliding_window',
  });
  keys.expect('attention.value_length', sizes.headDim);
  keys.expect('rope.scaling.type', 'yarn');
  return finish({
    ...sizes,
    vocabSize: ggufVocabSize(checkpoint),
    windows: alternating(sizes),
    ropeTheta: keys.number('rope.freq_base', THETA),
    ropeScalingFactor: keys.number('rope.scaling.factor', FACTOR),
    ...readBetas(keys, 'rope.scaling.yarn_beta_slow', 'rope.scaling.yarn_beta_fast'),
    initialContextLength: keys.integer('rope.scaling.original_context_length', 1, MAX_CONTEXT),
    maxContextLength: keys.integer('context_length', 1, MAX_CONTEXT),
    rmsNormEpsilon: keys.number('attention.layer_norm_rms_epsilon', EPSILON, RMS_NORM_EPSILON),
    swigluLimit: SWIGLU_LIMIT,
  });
}

/** Refuses other models by name, before any of their keys is missed. */
function requireModel(keys: Keys, key: string, names: readonly string[]): string {
  const found = keys.get(key);
  if (typeof found === 'string' && names.includes(found)) return found;
  if (found === undefined) return keys.fail(key, names.map((name) => `"${name}"`).join(' or '));
  throw new OssiaError(
    'checkpoint/unsupported-model',
    `Cannot load ${keys.file}: its ${key} is ${JSON.stringify(found).slice(0, 80)}, expected ${names.join(' or ')}`,
    { details: { key, found } },
  );
}

type SizeKeys = Record<
  'layers' | 'hidden' | 'width' | 'experts' | 'picked' | 'heads' | 'kvHeads' | 'headDim' | 'window',
  string
>;

type Sizes = ReturnType<typeof readSizes>;

function readSizes(keys: Keys, names: SizeKeys) {
  const numExperts = keys.integer(names.experts, 1, MAX_EXPERTS);
  const numAttentionHeads = keys.integer(names.heads, 1, MAX_HEADS);
  const numKeyValueHeads = keys.integer(names.kvHeads, 1, numAttentionHeads);
  if (numAttentionHeads % numKeyValueHeads !== 0) keys.fail(names.kvHeads, `a divisor of ${numAttentionHeads}`);
  return {
    numLayers: keys.integer(names.layers, 1, MAX_LAYERS),
    hiddenSize: keys.multiple(names.hidden, 32, MAX_WIDTH), // 32 columns of MXFP4 share a scale
    intermediateSize: keys.multiple(names.width, 32, MAX_WIDTH),
    numExperts,
    expertsPerToken: keys.integer(names.picked, 1, numExperts),
    numAttentionHeads,
    numKeyValueHeads,
    headDim: keys.multiple(names.headDim, 16, MAX_HEAD_DIM),
    slidingWindow: keys.integer(names.window, 1, MAX_CONTEXT),
  };
}

function readBetas(keys: Keys, slow: string, fast: string) {
  const ropeBetaSlow = keys.number(slow, BETA, BETA_SLOW);
  const ropeBetaFast = keys.number(fast, BETA, BETA_FAST);
  if (ropeBetaFast <= ropeBetaSlow) keys.fail(fast, `above "${slow}", which is ${ropeBetaSlow}`);
  return { ropeBetaSlow, ropeBetaFast };
}

/** Even layers slide, odd layers see everything: what files mean that do not say. */
function alternating({ numLayers, slidingWindow }: Sizes): number[] {
  return Array.from({ length: numLayers }, (_, layer) => (layer % 2 === 0 ? slidingWindow : 0));
}

function layerTypes(keys: Keys, { numLayers, slidingWindow }: Sizes): number[] | undefined {
  const types = keys.get('layer_types');
  if (types === undefined) return undefined;
  if (!Array.isArray(types) || types.length !== numLayers) {
    return keys.fail('layer_types', `a list of ${numLayers} entries, one per layer`);
  }
  return types.map((type: unknown) => {
    if (type === 'sliding_attention') return slidingWindow;
    if (type === 'full_attention') return 0;
    return keys.fail('layer_types', 'a list of "sliding_attention" and "full_attention"');
  });
}

/** GGUF has no key for it: the embedding has a row per token. */
function ggufVocabSize({ path, tensors }: Checkpoint): number {
  const rows = tensors.get('token_embd.weight')?.shape[0];
  if (rows !== undefined && rows >= 1 && rows <= MAX_VOCAB) return rows;
  throw new OssiaError(
    rows === undefined ? 'checkpoint/missing-tensor' : 'checkpoint/wrong-shape',
    `Cannot tell the vocabulary of ${path}: tensor "token_embd.weight" ${rows === undefined ? 'is missing' : `has ${rows} rows, expected 1 to ${MAX_VOCAB}`}`,
  );
}

function finish(config: Omit<ModelConfig, 'swigluAlpha'>): ModelConfig {
  // GGUF holds epsilon as f32 and JSON as decimals: rounded alike, one model has one set of numbers.
  return { ...config, rmsNormEpsilon: Math.fround(config.rmsNormEpsilon), swigluAlpha: SWIGLU_ALPHA };
}
