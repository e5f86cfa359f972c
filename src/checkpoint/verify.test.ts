import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type GgufTensor, writeGguf } from '../../test/support/gguf-writer.ts';
import { type SafetensorsTensor, writeSafetensors } from '../../test/support/safetensors-writer.ts';
import { type Verdict, verifyCheckpoint } from './index.ts';

const golden = join(import.meta.dirname, '../../test/golden');
const scratch = mkdtempSync(join(tmpdir(), 'ossia-verify-'));
after(() => rmSync(scratch, { recursive: true }));

async function verify(path: string): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for await (const verdict of verifyCheckpoint(path)) verdicts.push(verdict);
  return verdicts;
}

/** Code, tensor and message of each problem. */
async function problems(path: string): Promise<[code: string, tensor: string | undefined, message: string][]> {
  return (await verify(path)).flatMap(({ tensor, problem }) =>
    problem ? [[problem.code, tensor, problem.message] as const] : [],
  ) as [string, string | undefined, string][];
}

function directory(tensors: readonly SafetensorsTensor[]): string {
  const path = mkdtempSync(join(scratch, 'case-'));
  writeFileSync(join(path, 'config.json'), '{"model_type":"gpt_oss"}');
  writeSafetensors(join(path, 'model.safetensors'), tensors);
  return path;
}

function gguf(tensors: readonly GgufTensor[]): string {
  const path = join(mkdtempSync(join(scratch, 'case-')), 'model.gguf');
  writeGguf(path, { metadata: {}, tensors });
  return path;
}

test('sound checkpoints pass, each tensor once', async () => {
  for (const [name, count] of [
    ['micro', 41],
    ['small', 79],
    ['original-layout', 33],
  ] as const) {
    const verdicts = await verify(join(golden, name));
    assert.equal(new Set(verdicts.map(({ tensor }) => tensor)).size, count);
    assert.deepEqual(
      verdicts.filter(({ problem }) => problem),
      [],
    );
  }
});

test('a scale of 255 is found in both safetensors layouts, and in no other bytes', async () => {
  const scales = Buffer.alloc(21, 120);
  scales[13] = scales[20] = 255;
  const path = directory([
    { name: 'a.gate_up_proj_blocks', dtype: 'U8', shape: [3, 7, 1, 16], bytes: Buffer.alloc(336, 255) },
    { name: 'a.gate_up_proj_scales', dtype: 'U8', shape: [3, 7, 1], bytes: scales },
    { name: 'b.mlp1_weight.scales', dtype: 'U8', shape: [21], bytes: scales },
    { name: 'c.sound_scales', dtype: 'U8', shape: [5], bytes: Buffer.alloc(5, 254) },
  ]);
  const found = await problems(path);
  assert.deepEqual(
    found.map(([code, tensor]) => [code, tensor]),
    [
      ['checkpoint/nan-scale', 'a.gate_up_proj_scales'],
      ['checkpoint/nan-scale', 'b.mlp1_weight.scales'],
    ],
  );
  assert.match(
    found[0]![2],
    /"a\.gate_up_proj_scales" of .*model\.safetensors: 2 of 21 MXFP4 scales are NaN \(255\), the first at index 13/,
  );
});

test("a scale of 255 is found at the head of GGUF's blocks, in both orders of nibbles", async () => {
  const blocks = Buffer.alloc(6 * 17, 255);
  for (let block = 0; block < 6; block++) blocks[block * 17] = block === 4 ? 255 : 3;
  const path = gguf([
    { name: 'x', type: 'mxfp4', shape: [2, 3, 32], bytes: blocks },
    { name: 'y', type: 'mxfp4_pairs', shape: [2, 3, 32], bytes: blocks },
  ]);
  const found = await problems(path);
  assert.deepEqual(
    found.map(([code, tensor]) => [code, tensor]),
    [
      ['checkpoint/nan-scale', 'x'],
      ['checkpoint/nan-scale', 'y'],
    ],
  );
  assert.match(found[0]![2], /1 of 6 MXFP4 scales .* index 4/);
});

test('NaN and infinity are found in dense weights of every type', async () => {
  const words = (Type: Uint16ArrayConstructor | Uint32ArrayConstructor, ...bits: number[]): Buffer =>
    Buffer.from(Type.from(bits).buffer);
  const path = directory([
    { name: 'bf16', dtype: 'BF16', shape: [3], bytes: words(Uint16Array, 0x3f80, 0x7fc0, 0xff80) },
    { name: 'f16', dtype: 'F16', shape: [3], bytes: words(Uint16Array, 0x7bff, 0x7e01, 0x7c00) },
    { name: 'f32', dtype: 'F32', shape: [2], bytes: words(Uint32Array, 0x7f7fffff, 0xffc00000) },
    { name: 'f64', dtype: 'F64', shape: [2], bytes: words(Uint32Array, 0xffffffff, 0x3ff00000, 0, 0x7ff80000) },
    { name: 'sound', dtype: 'BF16', shape: [3], bytes: words(Uint16Array, 0x7f7f, 0xff7f, 0x0001) },
    { name: 'integers', dtype: 'I32', shape: [1], bytes: words(Uint32Array, 0x7fc00000) },
  ]);
  const found = await problems(path);
  assert.deepEqual(
    found.map(([code, tensor, message]) => [
      code,
      tensor,
      /\d+ of \d+ elements are NaN or infinite, the first at index \d+/.exec(message)?.[0],
    ]),
    [
      ['checkpoint/not-finite', 'bf16', '2 of 3 elements are NaN or infinite, the first at index 1'],
      ['checkpoint/not-finite', 'f16', '2 of 3 elements are NaN or infinite, the first at index 1'],
      ['checkpoint/not-finite', 'f32', '1 of 2 elements are NaN or infinite, the first at index 1'],
      ['checkpoint/not-finite', 'f64', '1 of 2 elements are NaN or infinite, the first at index 1'],
    ],
  );
});

test('the scales of Q8_0 are looked at, its codes are not', async () => {
  const blocks = Buffer.alloc(5 * 34, 0xff);
  for (let block = 0; block < 5; block++) blocks.writeUInt16LE(block === 3 ? 0x7c00 : 0x2000, block * 34);
  const found = await problems(gguf([{ name: 'x', type: 'q8_0', shape: [5, 32], bytes: blocks }]));
  assert.match(found[0]![2], /1 of 5 Q8_0 scales are NaN or infinite, the first at index 3/);
  assert.equal(found.length, 1);
});

test('damage is found behind the first piece that is read, at its right index', async () => {
  const scales = Buffer.alloc(2 ** 22 + 1_001, 7);
  scales[2 ** 22 + 1_000] = 255;
  const blocks = Buffer.alloc(300_000 * 17, 7);
  blocks[299_999 * 17] = 255;
  const [separate] = await problems(
    directory([{ name: 'x_scales', dtype: 'U8', shape: [scales.length], bytes: scales }]),
  );
  assert.match(separate![2], /1 of 4195305 MXFP4 scales .* index 4195304/);
  const [inBlocks] = await problems(gguf([{ name: 'x', type: 'mxfp4', shape: [300_000, 32], bytes: blocks }]));
  assert.match(inBlocks![2], /1 of 300000 MXFP4 scales .* index 299999/);
});

test('every damaged file is reported where the checkpoint does not open', async () => {
  const path = mkdtempSync(join(scratch, 'case-'));
  writeFileSync(join(path, 'config.json'), '{"model_type":"gpt_oss"}');
  const map = { x: 'a.safetensors', y: 'b.safetensors', z: 'c.safetensors' };
  writeFileSync(join(path, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
  for (const [name, shard] of Object.entries(map)) {
    writeSafetensors(join(path, shard), [{ name, dtype: 'U8', shape: [5], bytes: Buffer.alloc(5) }]);
  }
  truncateSync(join(path, 'a.safetensors'), 30);
  truncateSync(join(path, 'c.safetensors'), 3);
  const verdicts = await verify(path);
  assert.deepEqual(
    verdicts.map(({ file, problem }) => [file, problem?.code]),
    [
      [path, 'checkpoint/truncated'],
      [join(path, 'c.safetensors'), 'checkpoint/truncated'],
    ],
  );
  assert.match(verdicts[0]!.problem!.message, /a\.safetensors/);
  const [missing] = await verify(join(scratch, 'nothing'));
  assert.equal(missing?.problem?.code, 'checkpoint/not-found');
});
