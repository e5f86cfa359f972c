import type { Backend, KvBits, Weight } from '../backends/index.ts';
import { OssiaError } from '../base/index.ts';
import type { Checkpoint, FileTensor } from '../checkpoint/index.ts';
import { BLOCK, blockBytes, type HostTensor, isBlocked, slice } from '../tensor/index.ts';
import { readConfig } from './config.ts';
import type { LayerWeights, Model, ModelConfig, ModelWeights } from './types.ts';
import {
  ATTENTION,
  type Dialect,
  EXPERTS,
  LAYER_PREFIX,
  OUTER,
  type Part,
  type Row,
  type Source,
} from './weight-table.ts';

export interface LoadOptions {
  /** `q8` turns the dense linear weights (attention and unembedding) into 8-bit codes. Default: `keep`. */
  readonly dense?: 'keep' | 'q8';
  /** Keys and values at 8 bits take about half the memory of 16. Default: 16. */
  readonly kvBits?: KvBits;
}

/** Puts a checkpoint's weights on a backend, in place where it can read them so. */
export function loadModel(checkpoint: Checkpoint, backend: Backend, options: LoadOptions = {}): Model {
  const config = readConfig(checkpoint);
  const weights = mapWeights(checkpoint, config);
  const upload = (tensor: HostTensor, row: Row): Weight =>
    backend.upload(tensor, options.dense === 'q8' && row.role === 'linear' ? { dense: 'q8' } : {});
  return {
    config,
    backend,
    kvBits: options.kvBits ?? 16,
    weights: {
      ...mapRows(OUTER, (row, name) => upload(weights[name], row)),
      layers: weights.layers.map(({ attention, experts }) => ({
        attention: mapRows(ATTENTION, (row, name) => upload(attention[name], row)),
        experts: mapRows(EXPERTS, (row, name) => upload(experts[name], row)),
      })),
    },
  };
}

/** Throws what `loadModel` would for an absurd configuration, or a weight that is missing or does not fit; reads no weights. */
export function checkModel(checkpoint: Checkpoint): void {
  const unread = [...checkpoint.tensors].map(
    ([name, tensor]) => [name, { ...tensor, bytes: () => new Uint8Array(0) }] as const,
  );
  mapWeights({ ...checkpoint, tensors: new Map(unread) }, readConfig(checkpoint));
}

/** Finds every weight in a checkpoint, by the table of `weight-table.ts`, as strided views of the file's bytes. */
export function mapWeights(checkpoint: Checkpoint, config: ModelConfig): ModelWeights<HostTensor> {
  const finder = new Finder(checkpoint, config);
  return {
    ...mapRows(OUTER, (row) => finder.find(row, '')),
    layers: Array.from({ length: config.numLayers }, (_, layer): LayerWeights<HostTensor> => {
      const prefix = LAYER_PREFIX[finder.dialect](layer);
      return {
        attention: mapRows(ATTENTION, (row) => finder.find(row, prefix)),
        experts: mapRows(EXPERTS, (row) => finder.find(row, prefix)),
      };
    }),
  };
}

function mapRows<K extends string, T>(rows: Readonly<Record<K, Row>>, make: (row: Row, name: K) => T): Record<K, T> {
  const entries = Object.entries<Row>(rows).map(([name, row]) => [name, make(row, name as K)]);
  return Object.fromEntries(entries) as Record<K, T>;
}

/** llama.cpp and Ollama give the fused expert tensor the same name and arrange it differently: the architecture key tells. */
function dialectOf({ layout, metadata }: Checkpoint): Dialect {
  if (layout !== 'gguf') return layout;
  return metadata['general.architecture'] === 'gptoss' ? 'ollama' : 'llamaCpp';
}

/** How the two tensors of MXFP4 weights are named where they are two. */
const TWO_TENSORS = { huggingface: ['_blocks', '_scales'], original: ['.blocks', '.scales'] } as const;

/** Bytes of a GGUF MXFP4 block: the scale, then 16 bytes of codes. */
const GGUF_MXFP4_BYTES = 17;

const DENSE = ['f32', 'f16', 'bf16', 'q8_0'] as const;
const PLAIN = ['f32', 'f16', 'bf16'] as const;

class Finder {
  readonly dialect: Dialect;
  readonly #checkpoint: Checkpoint;
  readonly #config: ModelConfig;

  constructor(checkpoint: Checkpoint, config: ModelConfig) {
    this.dialect = dialectOf(checkpoint);
    this.#checkpoint = checkpoint;
    this.#config = config;
  }

  find(row: Row, prefix: string): HostTensor {
    const shape = row.shape(this.#config);
    const sources = row.sources[this.dialect].map((source): Source => {
      const { name, ...rest } = typeof source === 'string' ? { name: source } : source;
      return { name: prefix + name, ...rest };
    });
    const suffix = row.role === 'experts' ? this.#suffixes()[0] : '';
    const source = sources.find(({ name }) => this.#checkpoint.tensors.has(name + suffix)) ?? sources[0]!;
    const whole = source.part ? this.#wholeShape(shape, source.part) : shape;
    const tensor = row.role === 'experts' ? this.#experts(source.name, whole) : this.#dense(source.name, whole, row);
    return source.part ? this.#cut(tensor, source.part) : tensor;
  }

  /** A dense matrix or a vector, one element or one block of 32 after the other. */
  #dense(name: string, shape: readonly number[], row: Row): HostTensor {
    const tensor = this.#tensor(name, shape);
    const allowed = row.role === 'vector' ? PLAIN : DENSE;
    const dtype = allowed.find((candidate) => candidate === tensor.dtype) ?? wrongDtype(tensor, allowed);
    const strides = packed(isBlocked(dtype) ? inBlocks(shape, tensor) : shape, blockBytes(dtype));
    return { label: label(tensor), dtype, shape, data: { bytes: tensor.bytes(), offset: 0, strides } };
  }

  /** MXFP4 weights [experts, rows, cols]. */
  #experts(name: string, shape: readonly number[]): HostTensor {
    const groups = inBlocks(shape); // [experts, rows, cols / 32]
    const [blocksSuffix, scalesSuffix] = this.#suffixes();
    if (scalesSuffix === undefined) return this.#ggufExperts(name, shape);

    if (!this.#checkpoint.tensors.has(name + blocksSuffix)) this.#refuseTraining(name);
    const blocks = this.#tensor(name + blocksSuffix, [...groups, BLOCK / 2]);
    const scales = this.#tensor(name + scalesSuffix, groups);
    for (const tensor of [blocks, scales]) if (tensor.dtype !== 'u8') wrongDtype(tensor, ['u8']);
    return {
      label: label(blocks),
      dtype: 'mxfp4',
      shape,
      data: { bytes: blocks.bytes(), offset: 0, strides: packed(groups, BLOCK / 2) },
      scales: { bytes: scales.bytes(), offset: 0, strides: packed(groups, 1) },
      nibbles: 'pairs',
    };
  }

  /** Codes and scales take turns in one tensor, so that both spans walk over the same bytes. */
  #ggufExperts(name: string, shape: readonly number[]): HostTensor {
    const tensor = this.#tensor(name, shape);
    if (tensor.dtype !== 'mxfp4' && tensor.dtype !== 'mxfp4_pairs') wrongDtype(tensor, ['mxfp4']);
    const bytes = tensor.bytes();
    const strides = packed(inBlocks(shape), GGUF_MXFP4_BYTES);
    return {
      label: label(tensor),
      dtype: 'mxfp4',
      shape,
      data: { bytes, offset: 1, strides },
      scales: { bytes, offset: 0, strides },
      nibbles: tensor.dtype === 'mxfp4' ? 'halves' : 'pairs',
    };
  }

  #suffixes(): readonly [blocks: string, scales?: string] {
    return this.dialect === 'huggingface' || this.dialect === 'original' ? TWO_TENSORS[this.dialect] : [''];
  }

  #tensor(name: string, shape: readonly number[]): FileTensor {
    const tensor = this.#checkpoint.tensors.get(name);
    if (!tensor) {
      throw new OssiaError(
        'checkpoint/missing-tensor',
        `Cannot load tensor "${name}" of ${this.#checkpoint.path}: it is not among the ${this.#checkpoint.tensors.size} tensors of the model's files`,
        { details: { file: this.#checkpoint.path, tensor: name } },
      );
    }
    if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
      throw new OssiaError(
        'checkpoint/wrong-shape',
        `Cannot load tensor "${name}" of ${tensor.file}: found shape [${tensor.shape.join(', ')}], expected [${shape.join(', ')}]`,
        { details: { file: tensor.file, tensor: name, found: tensor.shape, expected: shape } },
      );
    }
    return tensor;
  }

  /** Checkpoints for training hold the experts as bf16 [experts, hidden, 2 * width], under the name without a suffix. */
  #refuseTraining(name: string): void {
    const tensor = this.#checkpoint.tensors.get(name);
    if (!tensor) return;
    throw new OssiaError(
      'checkpoint/training-layout',
      `Cannot load tensor "${name}" of ${tensor.file}: found ${tensor.dtype} [${tensor.shape.join(', ')}], expected MXFP4 in "${name}${this.#suffixes().join(`" and "${name}`)}"`,
      { details: { file: tensor.file, tensor: name, found: tensor.dtype, expected: 'mxfp4' } },
    );
  }

  /** Shape of the fused tensor that holds a part of this shape. */
  #wholeShape(shape: readonly number[], part: Part): readonly number[] {
    const { numAttentionHeads, numKeyValueHeads, headDim } = this.#config;
    if (part === 'q' || part === 'k' || part === 'v') {
      return [(numAttentionHeads + 2 * numKeyValueHeads) * headDim, ...shape.slice(1)];
    }
    const [experts, rows, ...rest] = shape;
    return [experts!, 2 * rows!, ...rest];
  }

  #cut(tensor: HostTensor, part: Part): HostTensor {
    const { numAttentionHeads, numKeyValueHeads, headDim } = this.#config;
    const queries = numAttentionHeads * headDim;
    const keys = numKeyValueHeads * headDim;
    const rows = tensor.shape[1]!;
    switch (part) {
      case 'q':
        return slice(tensor, 0, 0, queries);
      case 'k':
        return slice(tensor, 0, queries, queries + keys);
      case 'v':
        return slice(tensor, 0, queries + keys, queries + 2 * keys);
      case 'even':
        return slice(tensor, 1, 0, rows, 2);
      case 'odd':
        return slice(tensor, 1, 1, rows, 2);
      case 'first':
        return slice(tensor, 1, 0, rows / 2);
      case 'second':
        return slice(tensor, 1, rows / 2, rows);
    }
  }
}

function wrongDtype(tensor: FileTensor, expected: readonly string[]): never {
  throw new OssiaError(
    'checkpoint/wrong-dtype',
    `Cannot load tensor "${tensor.name}" of ${tensor.file}: found ${tensor.dtype}, expected ${expected.join(', ')}`,
    { details: { file: tensor.file, tensor: tensor.name, found: tensor.dtype, expected } },
  );
}

function label(tensor: FileTensor): string {
  return `${tensor.name} in ${tensor.file}`;
}

/** A shape whose last axis counts blocks of 32. */
function inBlocks(shape: readonly number[], tensor?: FileTensor): readonly number[] {
  const cols = shape.at(-1)!;
  if (cols % BLOCK !== 0 && tensor) wrongDtype(tensor, PLAIN);
  return [...shape.slice(0, -1), cols / BLOCK];
}

/** Byte strides of a row-major tensor whose smallest pieces take `bytes`. */
function packed(counts: readonly number[], bytes: number): number[] {
  const strides: number[] = [];
  let step = bytes;
  for (let axis = counts.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= counts[axis]!;
  }
  return strides;
}
