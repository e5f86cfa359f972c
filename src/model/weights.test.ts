import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OssiaError } from '../base/index.ts';
import type { Checkpoint, FileDType, FileTensor } from '../checkpoint/index.ts';
import { bf16ToF32, type HostTensor, readRow } from '../tensor/index.ts';
import type { ModelConfig } from './types.ts';
import { mapWeights } from './weights.ts';

// Every size differs from every other, so that no swapped axis can pass.
const config = {
  numLayers: 1,
  hiddenSize: 64,
  intermediateSize: 96,
  numExperts: 3,
  numAttentionHeads: 6,
  numKeyValueHeads: 2,
  headDim: 16,
  vocabSize: 11,
} as ModelConfig;

type Entry = [name: string, dtype: FileDType, shape: number[]];

const huggingFace: Entry[] = [
  ['model.embed_tokens.weight', 'bf16', [11, 64]],
  ['model.norm.weight', 'f32', [64]],
  ['lm_head.weight', 'bf16', [11, 64]],
  ['model.layers.0.input_layernorm.weight', 'bf16', [64]],
  ['model.layers.0.self_attn.q_proj.weight', 'bf16', [96, 64]],
  ['model.layers.0.self_attn.q_proj.bias', 'bf16', [96]],
  ['model.layers.0.self_attn.k_proj.weight', 'bf16', [32, 64]],
  ['model.layers.0.self_attn.k_proj.bias', 'bf16', [32]],
  ['model.layers.0.self_attn.v_proj.weight', 'bf16', [32, 64]],
  ['model.layers.0.self_attn.v_proj.bias', 'bf16', [32]],
  ['model.layers.0.self_attn.sinks', 'bf16', [6]],
  ['model.layers.0.self_attn.o_proj.weight', 'bf16', [64, 96]],
  ['model.layers.0.self_attn.o_proj.bias', 'bf16', [64]],
  ['model.layers.0.post_attention_layernorm.weight', 'bf16', [64]],
  ['model.layers.0.mlp.router.weight', 'bf16', [3, 64]],
  ['model.layers.0.mlp.router.bias', 'bf16', [3]],
  ['model.layers.0.mlp.experts.gate_up_proj_blocks', 'u8', [3, 192, 2, 16]],
  ['model.layers.0.mlp.experts.gate_up_proj_scales', 'u8', [3, 192, 2]],
  ['model.layers.0.mlp.experts.gate_up_proj_bias', 'bf16', [3, 192]],
  ['model.layers.0.mlp.experts.down_proj_blocks', 'u8', [3, 64, 3, 16]],
  ['model.layers.0.mlp.experts.down_proj_scales', 'u8', [3, 64, 3]],
  ['model.layers.0.mlp.experts.down_proj_bias', 'bf16', [3, 64]],
];

const BITS: Record<string, number> = {
  f32: 32,
  f16: 16,
  bf16: 16,
  u8: 8,
  q8_0: 34 / 4,
  mxfp4: 17 / 4,
  mxfp4_pairs: 17 / 4,
};

/** A checkpoint whose bytes are all different from their neighbours. */
function checkpoint(layout: Checkpoint['layout'], entries: readonly Entry[], metadata = {}): Checkpoint {
  const tensors = entries.map(([name, dtype, shape], index): FileTensor => {
    const bits = (BITS[dtype] ?? 8) * shape.reduce((product, size) => product * size, 1);
    const bytes = Uint8Array.from({ length: bits / 8 }, (_, i) => (i * 7 + index * 31) % 120);
    return { name, dtype, shape, file: `file-${index}`, offset: 0, sizeBytes: bytes.length, bytes: () => bytes };
  });
  const map = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return { path: 'somewhere', layout, metadata, generation: {}, tensors: map, files: [], mapped: true, close() {} };
}

function replaced(entries: readonly Entry[], name: string, ...others: Entry[]): Entry[] {
  return entries.flatMap((entry) => (entry[0] === name ? others : [entry]));
}

function row(tensor: HostTensor, ...index: number[]): number[] {
  const out = new Float32Array(tensor.shape.at(-1)!);
  readRow(tensor, index, out);
  return [...out];
}

test('gate and linear rows of Hugging Face take turns, and nothing is copied', () => {
  const source = checkpoint('huggingface', huggingFace);
  const { gate, linear, gateBias, linearBias, down } = mapWeights(source, config).layers[0]!.experts;
  const blocks = source.tensors.get('model.layers.0.mlp.experts.gate_up_proj_blocks')!.bytes();
  assert.equal(gate.data.bytes, blocks);
  assert.deepEqual(
    [gate.shape, linear.shape, down.shape],
    [
      [3, 96, 64],
      [3, 96, 64],
      [3, 64, 96],
    ],
  );
  const byte = (expert: number, row: number) => (expert * 192 + row) * 2 * 16;
  assert.equal(gate.data.offset + gate.data.strides[0]! * 2 + gate.data.strides[1]! * 5, byte(2, 10));
  assert.equal(linear.data.offset + linear.data.strides[0]! * 2 + linear.data.strides[1]! * 5, byte(2, 11));
  assert.equal(
    linear.scales!.offset + linear.scales!.strides[0]! * 2 + linear.scales!.strides[1]! * 5,
    byte(2, 11) / 16,
  );
  assert.deepEqual(
    [gateBias.shape, linearBias.shape],
    [
      [3, 96],
      [3, 96],
    ],
  );
  const rows = source.tensors.get('model.layers.0.mlp.experts.gate_up_proj_bias')!.bytes();
  const [first, second] = [rows.subarray(192 * 2), rows.subarray(192 * 2 + 2)]; // expert 1, rows 0 and 1
  assert.equal(row(gateBias, 1)[0], bf16ToF32(first[0]! | (first[1]! << 8)));
  assert.equal(row(linearBias, 1)[0], bf16ToF32(second[0]! | (second[1]! << 8)));
});

test("q, k and v of OpenAI's layout are rows of one tensor, in that order", () => {
  const source = checkpoint('original', originalEntries());
  const { q, k, v, qBias, kBias, vBias } = mapWeights(source, config).layers[0]!.attention;
  assert.deepEqual(
    [q.shape, k.shape, v.shape],
    [
      [96, 64],
      [32, 64],
      [32, 64],
    ],
  );
  assert.deepEqual(
    [q, k, v].map(({ data }) => data.offset / (64 * 2)),
    [0, 96, 128],
  );
  assert.deepEqual(
    [qBias, kBias, vBias].map(({ data, shape }) => [data.offset / 2, shape[0]]),
    [
      [0, 96],
      [96, 32],
      [128, 32],
    ],
  );
});

function originalEntries(): Entry[] {
  return [
    ['embedding.weight', 'bf16', [11, 64]],
    ['norm.scale', 'bf16', [64]],
    ['unembedding.weight', 'bf16', [11, 64]],
    ['block.0.attn.norm.scale', 'bf16', [64]],
    ['block.0.attn.qkv.weight', 'bf16', [160, 64]],
    ['block.0.attn.qkv.bias', 'bf16', [160]],
    ['block.0.attn.sinks', 'bf16', [6]],
    ['block.0.attn.out.weight', 'bf16', [64, 96]],
    ['block.0.attn.out.bias', 'bf16', [64]],
    ['block.0.mlp.norm.scale', 'bf16', [64]],
    ['block.0.mlp.gate.weight', 'bf16', [3, 64]],
    ['block.0.mlp.gate.bias', 'bf16', [3]],
    ['block.0.mlp.mlp1_weight.blocks', 'u8', [3, 192, 2, 16]],
    ['block.0.mlp.mlp1_weight.scales', 'u8', [3, 192, 2]],
    ['block.0.mlp.mlp1_bias', 'bf16', [3, 192]],
    ['block.0.mlp.mlp2_weight.blocks', 'u8', [3, 64, 3, 16]],
    ['block.0.mlp.mlp2_weight.scales', 'u8', [3, 64, 3]],
    ['block.0.mlp.mlp2_bias', 'bf16', [3, 64]],
  ];
}

function gguf(architecture: 'gpt-oss' | 'gptoss', entries: readonly Entry[]): Checkpoint {
  return checkpoint('gguf', entries, { 'general.architecture': architecture });
}

const llamaCpp: Entry[] = [
  ['token_embd.weight', 'q8_0', [11, 64]],
  ['output_norm.weight', 'f32', [64]],
  ['output.weight', 'q8_0', [11, 64]],
  ['blk.0.attn_norm.weight', 'f32', [64]],
  ['blk.0.attn_q.weight', 'f16', [96, 64]],
  ['blk.0.attn_q.bias', 'f32', [96]],
  ['blk.0.attn_k.weight', 'q8_0', [32, 64]],
  ['blk.0.attn_k.bias', 'f32', [32]],
  ['blk.0.attn_v.weight', 'q8_0', [32, 64]],
  ['blk.0.attn_v.bias', 'f32', [32]],
  ['blk.0.attn_sinks.weight', 'f32', [6]],
  ['blk.0.attn_output.weight', 'q8_0', [64, 96]],
  ['blk.0.attn_output.bias', 'f32', [64]],
  ['blk.0.post_attention_norm.weight', 'f32', [64]],
  ['blk.0.ffn_gate_inp.weight', 'f32', [3, 64]],
  ['blk.0.ffn_gate_inp.bias', 'f32', [3]],
  ['blk.0.ffn_gate_up_exps.weight', 'mxfp4', [3, 192, 64]],
  ['blk.0.ffn_gate_up_exps.bias', 'f32', [3, 192]],
  ['blk.0.ffn_down_exps.weight', 'mxfp4', [3, 64, 96]],
  ['blk.0.ffn_down_exps.bias', 'f32', [3, 64]],
];

const early: Entry[] = llamaCpp
  .filter(([name]) => !/attn_[qkv]\./.test(name))
  .map(([name, dtype, shape]): Entry => {
    const own = name
      .replace('attn_output', 'attn_out')
      .replace('post_attention_norm', 'ffn_norm')
      .replace('sinks.weight', 'sinks');
    return [own, dtype === 'mxfp4' ? 'mxfp4_pairs' : dtype, shape];
  })
  .concat([
    ['blk.0.attn_qkv.weight', 'bf16', [160, 64]],
    ['blk.0.attn_qkv.bias', 'f32', [160]],
  ]);

test('the fused expert tensor is halves in a file of llama.cpp and interleaved in one of Ollama', () => {
  const halves = mapWeights(gguf('gpt-oss', llamaCpp), config).layers[0]!.experts;
  const pairs = mapWeights(gguf('gptoss', early), config).layers[0]!.experts;
  const rowBytes = 2 * 17;
  assert.equal(halves.linear.data.offset, 96 * rowBytes + 1);
  assert.equal(halves.gate.data.strides[1], rowBytes);
  assert.equal(pairs.linear.data.offset, rowBytes + 1);
  assert.equal(pairs.gate.data.strides[1], 2 * rowBytes);
  assert.deepEqual([halves.gate.nibbles, pairs.gate.nibbles], ['halves', 'pairs']);
});

test('scales of GGUF blocks lie one byte before their codes', () => {
  const { down } = mapWeights(gguf('gpt-oss', llamaCpp), config).layers[0]!.experts;
  assert.equal(down.data.bytes, down.scales!.bytes);
  assert.deepEqual([down.data.offset, down.scales!.offset], [1, 0]);
  assert.deepEqual(down.data.strides, [64 * 51, 51, 17]);
  assert.deepEqual(down.scales!.strides, down.data.strides);
});

test('Q8_0 rows walk in blocks of 34 bytes', () => {
  const { k } = mapWeights(gguf('gpt-oss', llamaCpp), config).layers[0]!.attention;
  assert.equal(k.dtype, 'q8_0');
  assert.deepEqual(k.data.strides, [68, 34]);
});

const broken: { name: string; entries: Entry[]; layout?: 'gguf'; code: string; message: RegExp }[] = [
  {
    name: 'a missing tensor',
    entries: replaced(huggingFace, 'model.layers.0.self_attn.sinks'),
    code: 'checkpoint/missing-tensor',
    message: /model\.layers\.0\.self_attn\.sinks.*somewhere/,
  },
  {
    name: 'missing scales',
    entries: replaced(huggingFace, 'model.layers.0.mlp.experts.down_proj_scales'),
    code: 'checkpoint/missing-tensor',
    message: /down_proj_scales/,
  },
  {
    name: 'a transposed tensor',
    entries: replaced(huggingFace, 'lm_head.weight', ['lm_head.weight', 'bf16', [64, 11]]),
    code: 'checkpoint/wrong-shape',
    message: /lm_head\.weight.*file-2.*\[64, 11\].*\[11, 64\]/,
  },
  {
    name: 'another rank',
    entries: replaced(huggingFace, 'model.norm.weight', ['model.norm.weight', 'bf16', [1, 64]]),
    code: 'checkpoint/wrong-shape',
    message: /\[1, 64\].*\[64\]/,
  },
  {
    name: 'integers where weights should be',
    entries: replaced(huggingFace, 'lm_head.weight', ['lm_head.weight', 'u8', [11, 64]]),
    code: 'checkpoint/wrong-dtype',
    message: /lm_head\.weight.*file-2.*u8.*bf16/,
  },
  {
    name: 'blocks that are not bytes',
    entries: replaced(huggingFace, 'model.layers.0.mlp.experts.down_proj_blocks', [
      'model.layers.0.mlp.experts.down_proj_blocks',
      'bf16',
      [3, 64, 3, 16],
    ]),
    code: 'checkpoint/wrong-dtype',
    message: /down_proj_blocks.*bf16.*u8/,
  },
  {
    name: 'a K-quant',
    entries: replaced(llamaCpp, 'output.weight', ['output.weight', 'q4_K', [11, 64]]),
    layout: 'gguf',
    code: 'checkpoint/wrong-dtype',
    message: /output\.weight.*q4_K/,
  },
  {
    name: 'experts that are not MXFP4',
    entries: replaced(llamaCpp, 'blk.0.ffn_down_exps.weight', ['blk.0.ffn_down_exps.weight', 'q8_0', [3, 64, 96]]),
    layout: 'gguf',
    code: 'checkpoint/wrong-dtype',
    message: /ffn_down_exps\.weight.*q8_0.*mxfp4/,
  },
  {
    name: 'a checkpoint for training',
    entries: replaced(
      replaced(huggingFace, 'model.layers.0.mlp.experts.gate_up_proj_blocks', [
        'model.layers.0.mlp.experts.gate_up_proj',
        'bf16',
        [3, 64, 192],
      ]),
      'model.layers.0.mlp.experts.gate_up_proj_scales',
    ),
    code: 'checkpoint/training-layout',
    message: /gate_up_proj".*bf16 \[3, 64, 192\].*MXFP4/,
  },
];

for (const { name, entries, layout, code, message } of broken) {
  test(`${name} is refused, naming file, tensor, found and expected`, () => {
    const source = layout ? gguf('gpt-oss', entries) : checkpoint('huggingface', entries);
    assert.throws(
      () => mapWeights(source, config),
      (error) => {
        assert.ok(error instanceof OssiaError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
