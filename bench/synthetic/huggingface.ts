import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelConfig } from '../../src/model/index.ts';
import { O200K_PATTERN } from '../../src/tokenizer/pieces.ts';
import { type StreamedTensor, writeStreamed } from './file.ts';
import { bf16Matrix, bf16Vector, interleaveRows, mxfp4Codes, mxfp4Scales } from './values.ts';
import type { Vocabulary } from './vocabulary.ts';
import { isMate, isQuantised, type SyntheticWeight, syntheticWeights } from './weights.ts';

interface SafetensorsTensor extends StreamedTensor {
  readonly dtype: 'BF16' | 'U8';
  readonly shape: readonly number[];
}

/** Shards of the original have about this size. */
const SHARD_BYTES = 4.9e9;

/** Writes the model as on Hugging Face: bf16, and MXFP4 experts as blocks and scales, gate and linear row by row. */
export function writeSyntheticHuggingFace(
  directory: string,
  config: ModelConfig,
  seed: number,
  vocabulary: Vocabulary,
): void {
  mkdirSync(directory, { recursive: true });
  const writeJson = (name: string, value: object) =>
    writeFileSync(join(directory, name), `${JSON.stringify(value, null, 1)}\n`);
  writeJson('tokenizer.json', tokenizerJson(vocabulary));
  const shards = inShards(tensorsOf(config, seed));
  const names = shards.map(
    (_, i) => `model-${String(i).padStart(5, '0')}-of-${String(shards.length - 1).padStart(5, '0')}.safetensors`,
  );
  shards.forEach((tensors, i) => {
    writeStreamed(join(directory, names[i]!), safetensorsHeader(tensors), tensors);
  });
  writeJson('model.safetensors.index.json', {
    metadata: { total_size: huggingFaceSize(config) },
    weight_map: Object.fromEntries(shards.flatMap((tensors, i) => tensors.map(({ name }) => [name, names[i]]))),
  });
  writeJson('config.json', configJson(config)); // last: without it, it is no model yet
}

/** Bytes of the tensors. */
export function huggingFaceSize(config: ModelConfig): number {
  return tensorsOf(config, 0).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function tensorsOf(config: ModelConfig, seed: number): SafetensorsTensor[] {
  const weights = [...syntheticWeights(config)].filter((weight) => !isMate(weight));
  return weights.flatMap((weight) => {
    if (weight.role === 'experts') return expertTensors(weight, seed);
    return [isQuantised(weight) ? matrixTensor(weight, seed) : vectorTensor(weight, seed)];
  });
}

function matrixTensor(weight: SyntheticWeight, seed: number): SafetensorsTensor {
  const { label, shape, exponent } = weight;
  const count = product(shape);
  return {
    name: weight.name('huggingface'),
    dtype: 'BF16',
    shape,
    sizeBytes: 2 * count,
    pieces: () => bf16Matrix(seed, label, count, exponent),
  };
}

function vectorTensor(weight: SyntheticWeight, seed: number): SafetensorsTensor {
  const { mate, shape } = weight;
  const values = ({ label, mean, deviation }: SyntheticWeight) =>
    new Uint8Array(bf16Vector(seed, label, product(shape), mean, deviation).buffer);
  const whole = mate ? [...shape.slice(0, -1), 2 * shape.at(-1)!] : shape;
  return {
    name: weight.name('huggingface'),
    dtype: 'BF16',
    shape: whole,
    sizeBytes: 2 * product(whole),
    pieces: () => [mate ? interleaveRows(values(weight), values(mate), 2) : values(weight)],
  };
}

/** Blocks and scales of MXFP4. */
function expertTensors(weight: SyntheticWeight, seed: number): SafetensorsTensor[] {
  const [experts, rows, cols] = weight.shape as readonly [number, number, number];
  const { mate, exponent } = weight;
  const groups = cols / 32;
  const kinds = [
    { suffix: '_blocks', bytes: 16, draw: (label: string) => mxfp4Codes(seed, label) },
    { suffix: '_scales', bytes: 1, draw: (label: string) => mxfp4Scales(seed, label, exponent) },
  ];
  return kinds.map(({ suffix, bytes, draw }) => {
    const shape = [experts, mate ? 2 * rows : rows, groups, ...(bytes > 1 ? [bytes] : [])];
    function* pieces(): Generator<Uint8Array> {
      const [own, other] = [draw(weight.label), mate && draw(mate.label)];
      for (let expert = 0; expert < experts; expert++) {
        const values = own(rows * groups);
        yield other ? interleaveRows(values, other(rows * groups), groups * bytes) : values;
      }
    }
    return { name: weight.name('huggingface') + suffix, dtype: 'U8', shape, sizeBytes: product(shape), pieces };
  });
}

function product(shape: readonly number[]): number {
  return shape.reduce((result, size) => result * size, 1);
}

function inShards(tensors: readonly SafetensorsTensor[]): SafetensorsTensor[][] {
  const shards: SafetensorsTensor[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const tensor of tensors) {
    if (size + tensor.sizeBytes > SHARD_BYTES) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)!.push(tensor);
    size += tensor.sizeBytes;
  }
  return shards;
}

/** Length and header, padded to 8 bytes. */
function safetensorsHeader(tensors: readonly SafetensorsTensor[]): Buffer {
  let at = 0;
  const entries = tensors.map(({ name, dtype, shape, sizeBytes }) => {
    const begin = at;
    at += sizeBytes;
    return [name, { dtype, shape, data_offsets: [begin, at] }] as const;
  });
  const text = JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) });
  const header = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8)); // names are ASCII
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header]);
}

function configJson(c: ModelConfig): object {
  return {
    architectures: ['GptOssForCausalLM'],
    model_type: 'gpt_oss',
    attention_bias: true,
    hidden_act: 'silu',
    tie_word_embeddings: false,
    vocab_size: c.vocabSize,
    num_hidden_layers: c.numLayers,
    hidden_size: c.hiddenSize,
    intermediate_size: c.intermediateSize,
    num_local_experts: c.numExperts,
    num_experts_per_tok: c.expertsPerToken,
    num_attention_heads: c.numAttentionHeads,
    num_key_value_heads: c.numKeyValueHeads,
    head_dim: c.headDim,
    sliding_window: c.slidingWindow,
    layer_types: c.windows.map((window) => (window > 0 ? 'sliding_attention' : 'full_attention')),
    initial_context_length: c.initialContextLength,
    max_position_embeddings: c.maxContextLength,
    rope_theta: c.ropeTheta,
    rope_scaling: {
      rope_type: 'yarn',
      factor: c.ropeScalingFactor,
      beta_fast: c.ropeBetaFast,
      beta_slow: c.ropeBetaSlow,
      original_max_position_embeddings: c.initialContextLength,
      truncate: false,
    },
    rms_norm_eps: c.rmsNormEpsilon,
    swiglu_limit: c.swigluLimit,
    ...(c.vocabSize > 200_002 ? { eos_token_id: 200_002, pad_token_id: 199_999 } : {}), // small vocabularies end before them
    quantization_config: {
      quant_method: 'mxfp4',
      modules_to_not_convert: [
        'model.layers.*.self_attn',
        'model.layers.*.mlp.router',
        'model.embed_tokens',
        'lm_head',
      ],
    },
  };
}

function tokenizerJson({ tokens, types, merges }: Vocabulary): object {
  const ids = types.map((type, id) => ({ type, id }));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: ids
      .filter(({ type }) => type === 3)
      .map(({ id }) => ({
        id,
        content: tokens[id],
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: O200K_PATTERN }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(ids.filter(({ type }) => type === 1).map(({ id }) => [tokens[id], id])),
      merges: merges.map((merge) => merge.split(' ')),
    },
  };
}
