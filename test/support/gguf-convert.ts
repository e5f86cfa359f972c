import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, openCheckpoint } from '../../src/checkpoint/index.ts';
import { bf16ToF32, f32ToBf16, f32ToF16 } from '../../src/tensor/index.ts';
import { type GgufTensor, type GgufValue, writeGguf } from './gguf-file.ts';

/**
 * Which program's habits the file shows.
 * - `llama.cpp`: as convert_hf_to_gguf.py writes it.
 * - `llama.cpp-fused`: with --fuse-gate-up-exps: all gate rows, then all up rows, in one tensor.
 * - `ollama`: Ollama's names and keys, the weights as llama.cpp's.
 * - `ollama-early`: Ollama's first files: tensor type 4 (nibbles in Hugging Face's order), gate and up interleaved, q, k and v in one.
 */
export type GgufDialect = 'llama.cpp' | 'llama.cpp-fused' | 'ollama' | 'ollama-early';
export type DenseType = 'bf16' | 'f16' | 'f32' | 'q8_0';

export interface ConvertOptions {
  readonly dialect: GgufDialect;
  /** Type of the matrices that are not experts. Norms, biases, sinks and the router are always F32. */
  readonly dense: DenseType;
}

/** Converts a Hugging Face gpt-oss directory to GGUF, tensor by tensor. With a tokenizer.json, its vocabulary too. */
export async function convertToGguf(hfDir: string, outPath: string, { dialect, dense }: ConvertOptions): Promise<void> {
  const source = await openCheckpoint(hfDir, { map: false });
  try {
    const metadata = { ...modelKeys(source.metadata, dialect), ...tokenizerKeys(hfDir, source.metadata, dialect) };
    writeGguf(outPath, { metadata, tensors: modelTensors(source, dialect, dense) });
  } finally {
    source.close();
  }
}

function modelKeys(config: Readonly<Record<string, unknown>>, dialect: GgufDialect): Record<string, GgufValue> {
  const number = (key: string): number => Number(config[key]);
  const scaling = (config.rope_scaling ?? config.rope_parameters) as Record<string, number>;
  const ollama = dialect.startsWith('ollama');
  const arch = ollama ? 'gptoss' : 'gpt-oss';
  return {
    'general.architecture': arch,
    'general.file_type': { u32: ollama ? 4 : 38 },
    [`${arch}.block_count`]: { u32: number('num_hidden_layers') },
    [`${arch}.context_length`]: { u32: number('max_position_embeddings') },
    [`${arch}.embedding_length`]: { u32: number('hidden_size') },
    [`${arch}.feed_forward_length`]: { u32: number('intermediate_size') },
    ...(ollama
      ? {}
      : {
          [`${arch}.expert_feed_forward_length`]: { u32: number('intermediate_size') },
          [`${arch}.rope.scaling.type`]: 'yarn',
        }),
    [`${arch}.attention.head_count`]: { u32: number('num_attention_heads') },
    [`${arch}.attention.head_count_kv`]: { u32: number('num_key_value_heads') },
    [`${arch}.attention.key_length`]: { u32: number('head_dim') },
    [`${arch}.attention.value_length`]: { u32: number('head_dim') },
    [`${arch}.attention.layer_norm_rms_epsilon`]: { f32: number('rms_norm_eps') },
    [`${arch}.attention.sliding_window`]: { u32: number('sliding_window') },
    [`${arch}.expert_count`]: { u32: number('num_local_experts') },
    [`${arch}.expert_used_count`]: { u32: number('num_experts_per_tok') },
    [`${arch}.rope.freq_base`]: { f32: Number(config.rope_theta ?? scaling.rope_theta) },
    [`${arch}.rope.scaling.factor`]: { f32: scaling.factor! },
    [`${arch}.rope.scaling.original_context_length`]: { u32: scaling.original_max_position_embeddings! },
  };
}

const NORMAL = 1;
const CONTROL = 3;
const UNUSED = 5;

interface TokenizerJson {
  readonly model: { readonly vocab: Record<string, number>; readonly merges: readonly (string | readonly string[])[] };
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
}

function tokenizerKeys(
  hfDir: string,
  config: Readonly<Record<string, unknown>>,
  dialect: GgufDialect,
): Record<string, GgufValue> {
  const path = join(hfDir, 'tokenizer.json');
  if (!existsSync(path)) return {};
  const { model, added_tokens: added } = JSON.parse(readFileSync(path, 'utf8')) as TokenizerJson;
  const size = Number(config.vocab_size);
  const tokens = Array.from({ length: size }, (_, id) => `[PAD${id}]`);
  const types = Array.from({ length: size }, () => UNUSED);
  for (const [text, id] of Object.entries(model.vocab)) [tokens[id], types[id]] = [text, NORMAL];
  for (const { id, content } of added) [tokens[id], types[id]] = [content, CONTROL];
  const merges = model.merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' ')));
  const ids = Object.fromEntries(added.map(({ id, content }) => [content, id]));
  const ollama = dialect.startsWith('ollama');
  return {
    'tokenizer.ggml.model': 'gpt2',
    ...(ollama ? {} : { 'tokenizer.ggml.pre': 'gpt-4o' }),
    'tokenizer.ggml.tokens': { array: 'string', values: tokens },
    'tokenizer.ggml.token_type': { array: 'i32', values: types },
    'tokenizer.ggml.merges': { array: 'string', values: merges },
    'tokenizer.ggml.bos_token_id': { u32: ids['<|startoftext|>'] ?? 0 },
    'tokenizer.ggml.eos_token_id': { u32: ids[ollama ? '<|endoftext|>' : '<|return|>'] ?? 0 },
    ...(ollama ? { 'tokenizer.ggml.eos_token_ids': { array: 'i32', values: endIds(ids) } } : {}),
    'tokenizer.ggml.padding_token_id': { u32: ids['<|endoftext|>'] ?? 0 },
  };
}

function endIds(ids: Readonly<Record<string, number>>): number[] {
  return ['<|endoftext|>', '<|return|>', '<|call|>'].flatMap((name) => ids[name] ?? []);
}

/** Rows of a [experts, rows, …] tensor: every row, or every other one. */
interface RowChoice {
  readonly start: number;
  readonly step: 1 | 2;
}
const ALL: RowChoice = { start: 0, step: 1 };
const EVEN: RowChoice = { start: 0, step: 2 };
const ODD: RowChoice = { start: 1, step: 2 };

function modelTensors(source: Checkpoint, dialect: GgufDialect, dense: DenseType): GgufTensor[] {
  const out: GgufTensor[] = [];
  const add = (name: string, type: GgufTensor['type'], parts: readonly string[]): void => {
    const tensors = parts.map((part) => source.tensors.get(part)!);
    const shape = [tensors.reduce((rows, { shape }) => rows + shape[0]!, 0), ...tensors[0]!.shape.slice(1)];
    out.push({ name, type, shape, bytes: () => recode(concat(tensors.map(toF32)), type) });
  };
  const matrix = (name: string, part: string): void => add(name, dense, [part]);
  const vector = (name: string, part: string): void => add(name, 'f32', [part]);

  const ollama = dialect.startsWith('ollama');
  matrix('token_embd.weight', 'model.embed_tokens.weight');
  for (let layer = 0; source.tensors.has(`model.layers.${layer}.input_layernorm.weight`); layer++) {
    const [ours, theirs] = [`blk.${layer}`, `model.layers.${layer}`];
    vector(`${ours}.attn_norm.weight`, `${theirs}.input_layernorm.weight`);
    const qkv = ['q', 'k', 'v'] as const;
    if (dialect === 'ollama-early') {
      add(
        `${ours}.attn_qkv.weight`,
        dense,
        qkv.map((part) => `${theirs}.self_attn.${part}_proj.weight`),
      );
      add(
        `${ours}.attn_qkv.bias`,
        'f32',
        qkv.map((part) => `${theirs}.self_attn.${part}_proj.bias`),
      );
    } else {
      for (const part of qkv) {
        matrix(`${ours}.attn_${part}.weight`, `${theirs}.self_attn.${part}_proj.weight`);
        vector(`${ours}.attn_${part}.bias`, `${theirs}.self_attn.${part}_proj.bias`);
      }
    }
    const output = ollama ? 'attn_out' : 'attn_output';
    matrix(`${ours}.${output}.weight`, `${theirs}.self_attn.o_proj.weight`);
    vector(`${ours}.${output}.bias`, `${theirs}.self_attn.o_proj.bias`);
    vector(`${ours}.${ollama ? 'attn_sinks' : 'attn_sinks.weight'}`, `${theirs}.self_attn.sinks`);
    vector(
      `${ours}.${ollama ? 'ffn_norm' : 'post_attention_norm'}.weight`,
      `${theirs}.post_attention_layernorm.weight`,
    );
    vector(`${ours}.ffn_gate_inp.weight`, `${theirs}.mlp.router.weight`);
    vector(`${ours}.ffn_gate_inp.bias`, `${theirs}.mlp.router.bias`);
    out.push(...expertTensors(source, ours, `${theirs}.mlp.experts`, dialect));
  }
  vector('output_norm.weight', 'model.norm.weight');
  matrix('output.weight', 'lm_head.weight');
  return out;
}

function expertTensors(source: Checkpoint, ours: string, theirs: string, dialect: GgufDialect): GgufTensor[] {
  const expert = (name: string, part: string, choices: readonly RowChoice[]): GgufTensor[] => {
    const blocks = source.tensors.get(`${theirs}.${part}_blocks`)!;
    const scales = source.tensors.get(`${theirs}.${part}_scales`)!;
    const bias = source.tensors.get(`${theirs}.${part}_bias`)!;
    const [experts, allRows, groups] = blocks.shape as [number, number, number];
    const rows = choices.reduce((sum, { step }) => sum + allRows / step, 0);
    const early = dialect === 'ollama-early';
    const biasBytes = (): Uint8Array => new Uint8Array(pickRows(toF32(bias), experts, allRows, 1, choices).buffer);
    return [
      {
        name: `${ours}.${name}.weight`,
        type: early ? 'mxfp4_pairs' : 'mxfp4',
        shape: [experts, rows, groups * 32],
        bytes: () =>
          pickRows(joinBlocks(blocks.bytes(), scales.bytes(), !early), experts, allRows, groups * 17, choices),
      },
      { name: `${ours}.${name}.bias`, type: 'f32', shape: [experts, rows], bytes: biasBytes },
    ];
  };
  const down = expert('ffn_down_exps', 'down_proj', [ALL]);
  if (dialect === 'ollama-early') return [...expert('ffn_gate_up_exps', 'gate_up_proj', [ALL]), ...down];
  if (dialect === 'llama.cpp-fused') return [...expert('ffn_gate_up_exps', 'gate_up_proj', [EVEN, ODD]), ...down];
  return [...expert('ffn_gate_exps', 'gate_up_proj', [EVEN]), ...expert('ffn_up_exps', 'gate_up_proj', [ODD]), ...down];
}

/** For each expert, the chosen rows of `cols` items each, choice after choice. */
function pickRows<T extends Uint8Array | Float32Array>(
  items: T,
  experts: number,
  rows: number,
  cols: number,
  choices: readonly RowChoice[],
): T {
  const picked = choices.reduce((sum, { step }) => sum + rows / step, 0);
  const out = (
    items instanceof Float32Array ? new Float32Array(experts * picked * cols) : new Uint8Array(experts * picked * cols)
  ) as T;
  let to = 0;
  for (let expert = 0; expert < experts; expert++) {
    for (const { start, step } of choices) {
      for (let row = start; row < rows; row += step, to += cols) {
        const from = (expert * rows + row) * cols;
        out.set(items.subarray(from, from + cols), to);
      }
    }
  }
  return out;
}

/** blocks [n, 16] and scales [n] → [n, 17], scale first; `halves` turns byte j from weights 2j, 2j + 1 to weights j, j + 16. */
function joinBlocks(blocks: Uint8Array, scales: Uint8Array, halves: boolean): Uint8Array {
  const out = new Uint8Array(scales.length * 17);
  for (let block = 0; block < scales.length; block++) {
    const [from, to] = [block * 16, block * 17];
    out[to] = scales[block]!;
    for (let j = 0; j < 16; j++) {
      if (!halves) {
        out[to + 1 + j] = blocks[from + j]!;
        continue;
      }
      const shift = (j % 2) * 4;
      const low = (blocks[from + (j >> 1)]! >> shift) & 15;
      const high = (blocks[from + 8 + (j >> 1)]! >> shift) & 15;
      out[to + 1 + j] = low | (high << 4);
    }
  }
  return out;
}

function toF32(tensor: { readonly name: string; readonly dtype: string; bytes(): Uint8Array }): Float32Array {
  const bytes = tensor.bytes();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (tensor.dtype === 'f32')
    return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true));
  if (tensor.dtype === 'bf16') {
    return Float32Array.from({ length: bytes.length / 2 }, (_, i) => bf16ToF32(view.getUint16(i * 2, true)));
  }
  throw new TypeError(`Cannot convert ${tensor.name} from ${tensor.dtype}`);
}

function concat(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function recode(values: Float32Array, type: GgufTensor['type']): Uint8Array {
  switch (type) {
    case 'f32':
      return new Uint8Array(values.buffer);
    case 'f16':
      return new Uint8Array(Uint16Array.from(values, f32ToF16).buffer);
    case 'bf16':
      return new Uint8Array(Uint16Array.from(values, f32ToBf16).buffer);
    case 'q8_0':
      return quantizeQ8(values);
    default:
      throw new TypeError(`Cannot write dense tensors as ${type}`);
  }
}

/** 32 int8 codes behind an f16 scale of (largest magnitude) / 127, as ggml's quantize_row_q8_0. */
function quantizeQ8(values: Float32Array): Uint8Array {
  const out = new DataView(new ArrayBuffer((values.length / 32) * 34));
  for (let block = 0; block * 32 < values.length; block++) {
    const slice = values.subarray(block * 32, block * 32 + 32);
    const scale = slice.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / 127;
    out.setUint16(block * 34, f32ToF16(scale), true);
    slice.forEach((value, i) => {
      out.setInt8(block * 34 + 2 + i, scale === 0 ? 0 : Math.sign(value) * Math.round(Math.abs(value) / scale));
    });
  }
  return new Uint8Array(out.buffer);
}
