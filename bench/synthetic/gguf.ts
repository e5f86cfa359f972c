import type { ModelConfig } from '../../src/model/index.ts';
import { encodeHeader, type GgufTensor, type GgufValue, ggufTensorTypes } from '../../test/support/gguf-file.ts';
import { type StreamedTensor, writeStreamed } from './file.ts';
import { bf16ToF32, bf16Vector, ggufMxfp4, mxfp4Codes, mxfp4Scales, q8Matrix } from './values.ts';
import type { Vocabulary } from './vocabulary.ts';
import { isQuantised, type SyntheticWeight, syntheticWeights } from './weights.ts';

const EMPTY = new Uint8Array();

/** Writes the model as llama.cpp's own conversion arranges it: experts MXFP4, dense matrices Q8_0, the rest F32. */
export function writeSyntheticGguf(path: string, config: ModelConfig, seed: number, vocabulary: Vocabulary): void {
  const weights = [...syntheticWeights(config)];
  const header = encodeHeader({ metadata: metadataOf(config, vocabulary), tensors: weights.map(describe) });
  const streamed = weights.map((weight) => streamedTensor(weight, seed));
  writeStreamed(path, header, streamed, 32);
}

/** Bytes of the tensors. */
export function ggufSize(config: ModelConfig): number {
  return [...syntheticWeights(config)].reduce((sum, weight) => sum + sizeOf(weight), 0);
}

function describe(weight: SyntheticWeight): GgufTensor {
  return { name: weight.name('llamaCpp'), type: typeOf(weight), shape: weight.shape, bytes: EMPTY };
}

function typeOf(weight: SyntheticWeight): 'mxfp4' | 'q8_0' | 'f32' {
  if (weight.role === 'experts') return 'mxfp4';
  return isQuantised(weight) ? 'q8_0' : 'f32';
}

function sizeOf(weight: SyntheticWeight): number {
  const [, block, blockBytes] = ggufTensorTypes[typeOf(weight)];
  return (elements(weight) / block) * blockBytes;
}

function streamedTensor(weight: SyntheticWeight, seed: number): StreamedTensor {
  return { name: weight.name('llamaCpp'), sizeBytes: sizeOf(weight), pieces: () => piecesOf(weight, seed) };
}

function piecesOf(weight: SyntheticWeight, seed: number): Iterable<Uint8Array> {
  const { label, exponent, mean, deviation } = weight;
  switch (typeOf(weight)) {
    case 'mxfp4':
      return expertPieces(weight, seed);
    case 'q8_0':
      return q8Matrix(seed, label, elements(weight), exponent);
    case 'f32':
      return [bf16ToF32(bf16Vector(seed, label, elements(weight), mean, deviation))];
  }
}

/** One expert after the other. */
function* expertPieces({ label, exponent, shape }: SyntheticWeight, seed: number): Generator<Uint8Array> {
  const [experts, rows, cols] = shape as readonly [number, number, number];
  const codes = mxfp4Codes(seed, label);
  const scales = mxfp4Scales(seed, label, exponent);
  const numBlocks = (rows * cols) / 32;
  for (let expert = 0; expert < experts; expert++) yield ggufMxfp4(codes(numBlocks), scales(numBlocks));
}

function elements({ shape }: SyntheticWeight): number {
  return shape.reduce((product, size) => product * size, 1);
}

const CONTROL_IDS = {
  'tokenizer.ggml.bos_token_id': { u32: 199_998 },
  'tokenizer.ggml.eos_token_id': { u32: 200_002 },
  'tokenizer.ggml.padding_token_id': { u32: 199_999 },
};

function metadataOf(c: ModelConfig, { tokens, types, merges }: Vocabulary): Record<string, GgufValue> {
  const own: Record<string, GgufValue> = {
    block_count: { u32: c.numLayers },
    context_length: { u32: c.maxContextLength },
    embedding_length: { u32: c.hiddenSize },
    feed_forward_length: { u32: c.intermediateSize },
    'attention.head_count': { u32: c.numAttentionHeads },
    'attention.head_count_kv': { u32: c.numKeyValueHeads },
    'rope.freq_base': { f32: c.ropeTheta },
    'attention.layer_norm_rms_epsilon': { f32: c.rmsNormEpsilon },
    expert_count: { u32: c.numExperts },
    expert_used_count: { u32: c.expertsPerToken },
    'attention.key_length': { u32: c.headDim },
    'attention.value_length': { u32: c.headDim },
    'attention.sliding_window': { u32: c.slidingWindow },
    expert_feed_forward_length: { u32: c.intermediateSize },
    'rope.scaling.type': 'yarn',
    'rope.scaling.factor': { f32: c.ropeScalingFactor },
    'rope.scaling.original_context_length': { u32: c.initialContextLength },
  };
  return {
    'general.architecture': 'gpt-oss',
    'general.type': 'model',
    'general.name': `synthetic, ${c.numLayers} layers of ${c.numExperts} experts`,
    'general.file_type': { u32: 38 }, // mostly MXFP4
    'general.quantization_version': { u32: 2 },
    ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`gpt-oss.${key}`, value])),
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'gpt-4o',
    'tokenizer.ggml.tokens': { array: 'string', values: tokens },
    'tokenizer.ggml.token_type': { array: 'i32', values: types },
    'tokenizer.ggml.merges': { array: 'string', values: merges },
    ...(c.vocabSize > 200_002 ? CONTROL_IDS : {}), // small vocabularies end before them
  };
}
