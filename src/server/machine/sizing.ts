import type { ModelConfig } from '../../model/index.ts';
import { BLOCK, blockBytes } from '../../tensor/index.ts';

/** The numbers of a model that decide how many bytes it needs. */
export type Dimensions = Pick<
  ModelConfig,
  | 'numLayers'
  | 'hiddenSize'
  | 'intermediateSize'
  | 'numExperts'
  | 'expertsPerToken'
  | 'numAttentionHeads'
  | 'numKeyValueHeads'
  | 'headDim'
  | 'vocabSize'
  | 'windows'
>;

/** How the dense matrices of attention and unembedding are held in memory. The embedding's rows are used as the file has them. */
export type DenseType = 'bf16' | 'q8';

const BF16 = 2;
const bytesPerWeight = { bf16: BF16, q8: blockBytes('q8') / BLOCK };
const MXFP4_BYTES = (blockBytes('mxfp4') + 1) / BLOCK; // 16 bytes of codes and one of scale per 32 weights

function alternating(numLayers: number): number[] {
  return Array.from({ length: numLayers }, (_, layer) => (layer % 2 === 0 ? 128 : 0));
}

const common = {
  hiddenSize: 2880,
  intermediateSize: 2880,
  expertsPerToken: 4,
  numAttentionHeads: 64,
  numKeyValueHeads: 8,
  headDim: 64,
  vocabSize: 201_088,
};

/** The two published models. */
export const published: Readonly<Record<'gpt-oss-20b' | 'gpt-oss-120b', Dimensions>> = {
  'gpt-oss-20b': { ...common, numLayers: 24, numExperts: 32, windows: alternating(24) },
  'gpt-oss-120b': { ...common, numLayers: 36, numExperts: 128, windows: alternating(36) },
};

/** One layer's attention with its norm, sinks and biases. */
function attentionBytes(m: Dimensions, dense: DenseType): number {
  const q = m.numAttentionHeads * m.headDim;
  const kv = m.numKeyValueHeads * m.headDim;
  const matrices = (q + 2 * kv) * m.hiddenSize + m.hiddenSize * q;
  const vectors = q + 2 * kv + m.hiddenSize + m.hiddenSize + m.numAttentionHeads; // biases, norm, sinks
  return matrices * bytesPerWeight[dense] + vectors * BF16;
}

/** One layer's router with its bias and the norm before it. */
function routerBytes(m: Dimensions): number {
  return (m.numExperts * m.hiddenSize + m.numExperts + m.hiddenSize) * BF16;
}

/** One expert: both matrices and their biases. */
function expertBytes(m: Dimensions): number {
  const matrices = 2 * m.intermediateSize * m.hiddenSize + m.hiddenSize * m.intermediateSize;
  return matrices * MXFP4_BYTES + (2 * m.intermediateSize + m.hiddenSize) * BF16;
}

/** Everything that has to be in memory to run without touching the disk. */
export function weightBytes(m: Dimensions, dense: DenseType): number {
  const layer = attentionBytes(m, dense) + routerBytes(m) + m.numExperts * expertBytes(m);
  const tables = m.vocabSize * m.hiddenSize * (bytesPerWeight[dense] + BF16); // unembedding and embedding
  return Math.round(m.numLayers * layer + tables + m.hiddenSize * BF16);
}

/** What decoding one token reads, without the KV cache: the experts that it asks, and everything dense. */
export function bytesPerToken(m: Dimensions, dense: DenseType): number {
  const layer = attentionBytes(m, dense) + routerBytes(m) + m.expertsPerToken * expertBytes(m);
  const unembedding = m.vocabSize * m.hiddenSize * bytesPerWeight[dense] + m.hiddenSize * BF16;
  return Math.round(m.numLayers * layer + unembedding + m.hiddenSize * BF16); // and one row of the embedding
}

interface SizedTensor {
  readonly name: string;
  readonly sizeBytes: number;
}

/** The same for the tensors of a file as they are, whatever their types: names tell which belong to experts. */
export function fileBytesPerToken(m: Dimensions, tensors: Iterable<SizedTensor>): number {
  let sum = 0;
  for (const { name, sizeBytes } of tensors) {
    if (isExperts(name)) sum += (sizeBytes * m.expertsPerToken) / m.numExperts;
    else sum += /(?:^|\.)embed|^token_embd/.test(name) ? sizeBytes / m.vocabSize : sizeBytes;
  }
  return Math.round(sum);
}

/** The weights of a file by what they are. */
export function fileWeightBytes(tensors: Iterable<SizedTensor>): { readonly experts: number; readonly dense: number } {
  const bytes = { experts: 0, dense: 0 };
  for (const { name, sizeBytes } of tensors) bytes[isExperts(name) ? 'experts' : 'dense'] += sizeBytes;
  return bytes;
}

function isExperts(name: string): boolean {
  return /experts\.|_exps\.|\.mlp[12]_/.test(name);
}

/** Keys and values of `context` tokens; layers with a window keep no more than that. */
export function kvBytes(m: Dimensions, context: number, bytesPerValue: number): number {
  const perPosition = 2 * m.numKeyValueHeads * m.headDim * bytesPerValue;
  return m.windows.reduce((sum, window) => sum + perPosition * (window === 0 ? context : Math.min(context, window)), 0);
}
