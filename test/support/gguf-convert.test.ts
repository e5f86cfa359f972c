import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Checkpoint, type FileTensor, openCheckpoint } from '../../src/checkpoint/index.ts';
import { elementCount, type HostTensor, readRow } from '../../src/tensor/index.ts';
import { convertToGguf, type DenseType, type GgufDialect } from './gguf-writer.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ossia-convert-'));
after(() => rmSync(scratch, { recursive: true }));
const source = await openCheckpoint(join(import.meta.dirname, '../golden/small'));
const [EXPERTS, WIDTH] = [8, 192];

async function convert(dialect: GgufDialect, dense: DenseType): Promise<Checkpoint> {
  const path = join(scratch, `${dialect}-${dense}.gguf`);
  await convertToGguf(join(import.meta.dirname, '../golden/small'), path, { dialect, dense });
  return openCheckpoint(path);
}

/** Everything but the last axis becomes one: [rows, cols], decoded. */
function decode(host: Omit<HostTensor, 'label'>): number[][] {
  const cols = host.shape[1]!;
  return Array.from({ length: host.shape[0]! }, (_, row) => {
    const out = new Float32Array(cols);
    readRow({ label: '', ...host }, [row], out);
    return [...out];
  });
}

function rowsOf(tensor: FileTensor | undefined): number[][] {
  assert.ok(tensor, 'the tensor is missing');
  const bytes = tensor.bytes();
  const cols = tensor.shape.at(-1)!;
  const shape = [elementCount(tensor.shape) / cols, cols];
  const span = (offset: number, step: number, perRow: number) => ({ bytes, offset, strides: [perRow * step, step] });
  switch (tensor.dtype) {
    case 'mxfp4':
    case 'mxfp4_pairs': {
      const nibbles = tensor.dtype === 'mxfp4' ? 'halves' : 'pairs';
      return decode({ dtype: 'mxfp4', shape, data: span(1, 17, cols / 32), scales: span(0, 17, cols / 32), nibbles });
    }
    case 'q8_0':
      return decode({ dtype: 'q8_0', shape, data: span(0, 34, cols / 32) });
    case 'f32':
      return decode({ dtype: 'f32', shape, data: span(0, 4, cols) });
    case 'f16':
      return decode({ dtype: 'f16', shape, data: span(0, 2, cols) });
    case 'bf16':
      return decode({ dtype: 'bf16', shape, data: span(0, 2, cols) });
    default:
      throw new TypeError(tensor.dtype);
  }
}

/** Hugging Face's experts, all in one: [experts * rows, cols]. */
function expertRows(name: string): number[][] {
  const blocks = source.tensors.get(`${name}_blocks`)!;
  const [experts, rows, groups] = blocks.shape as [number, number, number];
  const bytes = source.tensors.get(`${name}_scales`)!.bytes();
  return decode({
    dtype: 'mxfp4',
    shape: [experts * rows, groups * 32],
    data: { bytes: blocks.bytes(), offset: 0, strides: [groups * 16, 16] },
    scales: { bytes, offset: 0, strides: [groups, 1] },
    nibbles: 'pairs',
  });
}

/** Rows `parity`, `parity + 2` … of each expert are rows of all, since every expert has an even number of them. */
const every2nd = <T>(rows: readonly T[], parity: 0 | 1): T[] => rows.filter((_, i) => i % 2 === parity);

test("llama.cpp's dialect: gate and up apart, nibbles in ggml's order", async () => {
  const converted = await convert('llama.cpp', 'bf16');
  assert.equal(converted.tensors.size, 79);
  assert.deepEqual(converted.tensors.get('blk.3.ffn_gate_exps.weight')?.shape, [EXPERTS, WIDTH, 160]);
  for (const layer of [0, 3]) {
    const experts = `model.layers.${layer}.mlp.experts`;
    const both = expertRows(`${experts}.gate_up_proj`);
    assert.deepEqual(rowsOf(converted.tensors.get(`blk.${layer}.ffn_gate_exps.weight`)), every2nd(both, 0));
    assert.deepEqual(rowsOf(converted.tensors.get(`blk.${layer}.ffn_up_exps.weight`)), every2nd(both, 1));
    assert.deepEqual(
      rowsOf(converted.tensors.get(`blk.${layer}.ffn_down_exps.weight`)),
      expertRows(`${experts}.down_proj`),
    );
    const bias = rowsOf(source.tensors.get(`${experts}.gate_up_proj_bias`));
    assert.deepEqual(
      rowsOf(converted.tensors.get(`blk.${layer}.ffn_up_exps.bias`)),
      bias.map((row) => every2nd(row, 1)),
    );
  }
  assert.deepEqual(
    rowsOf(converted.tensors.get('blk.2.attn_k.weight')),
    rowsOf(source.tensors.get('model.layers.2.self_attn.k_proj.weight')),
  );
  assert.equal(converted.metadata['gpt-oss.rope.scaling.type'], 'yarn');
  assert.equal(converted.metadata['gpt-oss.expert_count'], EXPERTS);
  converted.close();
});

test('the fused dialect: all gate rows of an expert, then all its up rows', async () => {
  const converted = await convert('llama.cpp-fused', 'f32');
  const both = expertRows('model.layers.1.mlp.experts.gate_up_proj');
  const fused = Array.from({ length: EXPERTS }, (_, e) => both.slice(e * 2 * WIDTH, (e + 1) * 2 * WIDTH)).flatMap(
    (rows) => [...every2nd(rows, 0), ...every2nd(rows, 1)],
  );
  assert.deepEqual(rowsOf(converted.tensors.get('blk.1.ffn_gate_up_exps.weight')), fused);
  const bias = rowsOf(source.tensors.get('model.layers.1.mlp.experts.gate_up_proj_bias'));
  assert.deepEqual(
    rowsOf(converted.tensors.get('blk.1.ffn_gate_up_exps.bias')),
    bias.map((row) => [...every2nd(row, 0), ...every2nd(row, 1)]),
  );
  converted.close();
});

test("Ollama's dialects: its names, and in the early one everything as Hugging Face has it", async () => {
  const converted = await convert('ollama', 'bf16');
  assert.equal(converted.metadata['general.architecture'], 'gptoss');
  for (const name of ['attn_out.weight', 'attn_sinks', 'ffn_norm.weight', 'ffn_up_exps.bias']) {
    assert.ok(converted.tensors.has(`blk.0.${name}`), name);
  }
  converted.close();
  const early = await convert('ollama-early', 'bf16');
  const fused = early.tensors.get('blk.1.ffn_gate_up_exps.weight');
  assert.equal(fused?.dtype, 'mxfp4_pairs');
  assert.deepEqual(rowsOf(fused), expertRows('model.layers.1.mlp.experts.gate_up_proj'));
  const parts = ['q', 'k', 'v'].map((part) =>
    rowsOf(source.tensors.get(`model.layers.1.self_attn.${part}_proj.weight`)),
  );
  assert.deepEqual(rowsOf(early.tensors.get('blk.1.attn_qkv.weight')), parts.flat());
  early.close();
});

test('dense weights in F16 and Q8_0 differ by their rounding only', async () => {
  const exact = rowsOf(source.tensors.get('model.embed_tokens.weight')).flat();
  const half = await convert('llama.cpp', 'f16');
  const halves = rowsOf(half.tensors.get('token_embd.weight')).flat();
  // bf16 has fewer bits than f16, so only values below f16's smallest normal number are rounded at all
  for (const [i, value] of exact.entries()) assert.ok(Math.abs(value - halves[i]!) <= 2 ** -25);
  half.close();
  const eight = await convert('llama.cpp', 'q8_0');
  const eights = rowsOf(eight.tensors.get('token_embd.weight')).flat();
  for (let block = 0; block < exact.length; block += 32) {
    const largest = Math.max(...exact.slice(block, block + 32).map(Math.abs));
    for (let i = block; i < block + 32; i++) {
      const allowed = largest * (1 / 254 + 2 ** -11) + 127 * 2 ** -25; // half a code, and the rounding of an f16 scale
      assert.ok(Math.abs(exact[i]! - eights[i]!) <= allowed, `${exact[i]} became ${eights[i]}`);
    }
  }
  eight.close();
});
