import assert from 'node:assert/strict';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { writeGguf } from '../../test/support/gguf-writer.ts';
import { writeSafetensors } from '../../test/support/safetensors-writer.ts';
import { OssiaError, type ProblemCode } from '../base/index.ts';
import { openCheckpoint } from './index.ts';

const golden = join(import.meta.dirname, '../../test/golden');
const scratch = mkdtempSync(join(tmpdir(), 'ossia-open-'));
after(() => rmSync(scratch, { recursive: true }));

/** An empty directory of its own for each caller. */
function place(...contents: [name: string, text: string][]): string {
  const directory = mkdtempSync(join(scratch, 'case-'));
  for (const [name, text] of contents) writeFileSync(join(directory, name), text);
  return directory;
}

async function refuses(path: string, code: ProblemCode, found: RegExp): Promise<void> {
  await assert.rejects(openCheckpoint(path), (error) => {
    assert.ok(error instanceof OssiaError, String(error));
    assert.match(error.message, found);
    assert.equal(error.code, code);
    return true;
  });
}

const CONFIG: [string, string] = ['config.json', '{"model_type":"gpt_oss"}'];
const tensor = (name: string, value: number): Parameters<typeof writeSafetensors>[1][number] => ({
  name,
  dtype: 'U8',
  shape: [3],
  bytes: Buffer.alloc(3, value),
});

test('a directory with one file opens with its configurations and tensors', async () => {
  const checkpoint = await openCheckpoint(join(golden, 'micro'));
  assert.equal(checkpoint.layout, 'huggingface');
  assert.equal(checkpoint.path, join(golden, 'micro'));
  assert.equal(checkpoint.metadata.num_local_experts, 4);
  assert.equal(
    checkpoint.generation.temperature ?? 'none',
    JSON.parse(readFileSync(join(golden, 'micro/generation_config.json'), 'utf8')).temperature ?? 'none',
  );
  assert.equal(checkpoint.tensors.size, 41);
  const blocks = checkpoint.tensors.get('model.layers.1.mlp.experts.gate_up_proj_blocks')!;
  assert.deepEqual([blocks.dtype, blocks.shape], ['u8', [4, 128, 2, 16]]);
  const file = readFileSync(join(golden, 'micro/model.safetensors'));
  assert.equal(blocks.file, join(golden, 'micro/model.safetensors'));
  assert.deepEqual(Buffer.from(blocks.bytes()), file.subarray(blocks.offset, blocks.offset + blocks.sizeBytes));
  checkpoint.close();
});

test('the memory map and reading give the same bytes', async () => {
  for (const path of ['micro', 'small', 'original-layout'].map((name) => join(golden, name))) {
    const mapped = await openCheckpoint(path);
    const read = await openCheckpoint(path, { map: false });
    assert.equal(read.mapped, false);
    for (const [name, tensor] of mapped.tensors) {
      const bytes = read.tensors.get(name)!.bytes();
      assert.equal(bytes.length, tensor.sizeBytes);
      assert.equal(Buffer.compare(tensor.bytes(), bytes), 0, name);
      assert.equal(read.tensors.get(name)!.bytes(), bytes, 'what was read is kept');
    }
    mapped.close();
    read.close();
  }
});

test('shards are found by their index', async () => {
  const checkpoint = await openCheckpoint(join(golden, 'small'));
  const names = checkpoint.files.map(({ path }) => basename(path));
  assert.deepEqual(names.sort(), ['model-00000-of-00001.safetensors', 'model-00001-of-00001.safetensors']);
  assert.equal(checkpoint.tensors.size, 79);
  assert.equal(
    [...checkpoint.tensors.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    3_588_288,
  );
  checkpoint.close();
});

test('the index decides which shard a tensor comes from, whatever else a shard holds', async () => {
  const directory = place(CONFIG, ['model.safetensors.index.json', '{"weight_map":{"x":"b.safetensors"}}']);
  writeSafetensors(join(directory, 'a.safetensors'), [tensor('x', 1)]);
  writeSafetensors(join(directory, 'b.safetensors'), [tensor('x', 2), tensor('unlisted', 3)]);
  const checkpoint = await openCheckpoint(directory);
  assert.deepEqual([...checkpoint.tensors.keys()], ['x']);
  assert.deepEqual([...checkpoint.tensors.get('x')!.bytes()], [2, 2, 2]);
  checkpoint.close();
});

test("OpenAI's original layout opens, also from the directory around it and in parts without an index", async () => {
  const source = join(golden, 'original-layout');
  const around = place(['README.md', 'weights are in original/']);
  cpSync(source, join(around, 'original'), { recursive: true });
  for (const path of [source, around, join(around, 'original')]) {
    const checkpoint = await openCheckpoint(path);
    assert.equal(checkpoint.layout, 'original');
    assert.equal(checkpoint.path, path);
    assert.equal(checkpoint.metadata.num_experts, 4);
    assert.deepEqual(checkpoint.tensors.get('block.1.attn.qkv.weight')?.shape, [512, 64]);
    checkpoint.close();
  }
  const parts = place(['config.json', '{"num_experts":4}']);
  writeSafetensors(join(parts, 'model--00001-of-00002.safetensors'), [tensor('x', 1)]);
  writeSafetensors(join(parts, 'model--00002-of-00002.safetensors'), [tensor('y', 2)]);
  const checkpoint = await openCheckpoint(parts);
  assert.deepEqual([...checkpoint.tensors.keys()], ['x', 'y']);
  checkpoint.close();
  writeSafetensors(join(parts, 'model--00002-of-00002.safetensors'), [tensor('x', 2)]);
  await refuses(parts, 'checkpoint/bad-header', /tensor "x" is both in .*00001-of-00002.* and in .*00002-of-00002/);
});

test("a configuration with a model_type is Hugging Face's, whatever else it says", async () => {
  const directory = place(['config.json', '{"model_type":"gpt_oss","num_experts":4}']);
  writeSafetensors(join(directory, 'model.safetensors'), [tensor('x', 1)]);
  const checkpoint = await openCheckpoint(directory);
  assert.equal(checkpoint.layout, 'huggingface');
  checkpoint.close();
});

test("files behind symbolic links open, as in the hub's cache", async () => {
  const blobs = place();
  const snapshot = place();
  for (const name of ['config.json', 'model.safetensors']) {
    copyFileSync(join(golden, 'micro', name), join(blobs, `${name.length}`));
    symlinkSync(join('..', basename(blobs), `${name.length}`), join(snapshot, name));
  }
  const checkpoint = await openCheckpoint(snapshot);
  assert.equal(checkpoint.tensors.size, 41);
  checkpoint.close();
});

test("a GGUF file opens under any name, as in Ollama's store, and from a directory that holds one", async () => {
  const directory = place();
  const tensors = [
    {
      name: 'output_norm.weight',
      type: 'f32' as const,
      shape: [3],
      bytes: Buffer.from(Float32Array.of(1, 2, 3).buffer),
    },
  ];
  const blob = join(directory, 'sha256-0123456789abcdef');
  writeGguf(blob, { metadata: { 'general.architecture': 'gptoss' }, tensors });
  writeGguf(join(directory, 'model.gguf'), { metadata: { 'general.architecture': 'gpt-oss' }, tensors });
  for (const [path, architecture] of [
    [blob, 'gptoss'],
    [join(directory, 'model.gguf'), 'gpt-oss'],
    [directory, 'gpt-oss'],
  ] as const) {
    const checkpoint = await openCheckpoint(path);
    assert.equal(checkpoint.layout, 'gguf');
    assert.equal(checkpoint.metadata['general.architecture'], architecture);
    assert.deepEqual(checkpoint.generation, {});
    const bytes = checkpoint.tensors.get('output_norm.weight')!.bytes();
    assert.deepEqual([...new Float32Array(bytes.buffer, bytes.byteOffset, 3)], [1, 2, 3]);
    checkpoint.close();
  }
  writeGguf(join(directory, 'other.gguf'), { metadata: {}, tensors });
  await refuses(directory, 'checkpoint/unknown-layout', /it has 2 GGUF models, name one/);
});

test('a split GGUF file opens by its first part, and a missing part is named', async () => {
  const directory = place();
  const part = (number: number): string => join(directory, `m-0000${number}-of-00003.gguf`);
  for (const number of [1, 2, 3]) {
    const metadata = { 'split.no': { u16: number - 1 }, 'split.count': { u16: 3 } };
    const tensors = [{ name: `t${number}`, type: 'f32' as const, shape: [1], bytes: Buffer.alloc(4, number) }];
    writeGguf(part(number), { metadata, tensors });
  }
  for (const path of [part(1), directory]) {
    const checkpoint = await openCheckpoint(path);
    assert.deepEqual(
      [...checkpoint.tensors.values()].map(({ name, file }) => [name, file]),
      [1, 2, 3].map((n) => [`t${n}`, part(n)]),
    );
    assert.deepEqual([...checkpoint.tensors.get('t3')!.bytes()], [3, 3, 3, 3]);
    checkpoint.close();
  }
  await refuses(
    part(2),
    'checkpoint/bad-header',
    /it is one of 3 parts and not the first, which is named \.\.\.-00001-of-00003\.gguf/,
  );
  rmSync(part(3));
  writeGguf(join(directory, 'renamed-00001-of-00003.gguf'), {
    metadata: { 'split.no': { u16: 1 }, 'split.count': { u16: 3 } },
    tensors: [],
  });
  await refuses(join(directory, 'renamed-00001-of-00003.gguf'), 'checkpoint/bad-header', /not the first/);
  await refuses(part(1), 'checkpoint/missing-file', /00003-of-00003\.gguf: there is no such file/);
});

test('what is not there, or is no model, is refused with the reason', async () => {
  await refuses(join(scratch, 'nothing'), 'checkpoint/not-found', /nothing: there is no such file or directory/);
  await refuses(place(), 'checkpoint/unknown-layout', /holds neither safetensors nor GGUF files/);
  await refuses(place(CONFIG), 'checkpoint/missing-file', /it has a config\.json and no model\.safetensors/);
  await refuses(
    join(golden, 'micro/config.json'),
    'checkpoint/unknown-layout',
    /neither a directory nor a file that begins with GGUF/,
  );
  await refuses(join(golden, 'micro/model.safetensors'), 'checkpoint/unknown-layout', /name their directory/);
  await refuses('/dev/null', 'checkpoint/unknown-layout', /neither a directory nor a file/);
  const bare = place();
  writeSafetensors(join(bare, 'model.safetensors'), [tensor('x', 1)]);
  await refuses(bare, 'checkpoint/missing-file', /it has no config\.json/);
});

test('an index that leads out of its directory is refused', async () => {
  const outside = place();
  writeSafetensors(join(outside, 'x.safetensors'), [tensor('x', 1)]);
  const shards = [
    join(outside, 'x.safetensors'),
    `../${basename(outside)}/x.safetensors`,
    'a\\x.safetensors',
    '../../etc/passwd',
    'x.bin',
    '',
    7,
    null,
  ];
  for (const shard of shards) {
    const directory = place(CONFIG, ['model.safetensors.index.json', JSON.stringify({ weight_map: { x: shard } })]);
    await refuses(
      directory,
      'checkpoint/bad-header',
      /it places tensor "x" in .*, expected the name of a \.safetensors file beside it/,
    );
  }
});

test('an index that does not fit its shards is refused, by the name of what is missing', async () => {
  const index = (map: unknown): [string, string] => [
    'model.safetensors.index.json',
    JSON.stringify({ weight_map: map }),
  ];
  const gone = place(CONFIG, index({ x: 'model-1.safetensors' }));
  await refuses(gone, 'checkpoint/missing-file', /Cannot open .*model-1\.safetensors: there is no such file/);
  const without = place(CONFIG, index({ x: 'a.safetensors', y: 'a.safetensors' }));
  writeSafetensors(join(without, 'a.safetensors'), [tensor('x', 1), tensor('z', 2)]);
  await refuses(
    without,
    'checkpoint/missing-tensor',
    /tensor "y" of .*: the index places it in a\.safetensors, which holds 2 others/,
  );
  await refuses(place(CONFIG, index({})), 'checkpoint/bad-header', /its weight_map is empty/);
  await refuses(place(CONFIG, index([])), 'checkpoint/bad-header', /its weight_map is \[\], expected an object/);
  await refuses(
    place(CONFIG, ['model.safetensors.index.json', '{"weight_map":{"x":"a.safetensors","x":"b.safetensors"}}']),
    'checkpoint/bad-header',
    /occurs twice/,
  );
});

test('a configuration that is damaged or far too large is refused', async () => {
  const directory = place(['config.json', '{"num_experts":4,']);
  writeSafetensors(join(directory, 'model.safetensors'), [tensor('x', 1)]);
  await refuses(directory, 'checkpoint/bad-config', /config\.json: it is not valid JSON/);
  writeFileSync(join(directory, 'config.json'), `{"a":"${'x'.repeat(2 ** 20)}"}`);
  await refuses(directory, 'checkpoint/too-large', /config\.json: it has 1048584 bytes, at most 1048576 are read/);
  rmSync(join(directory, 'config.json'));
  mkdirSync(join(directory, 'config.json'));
  await refuses(directory, 'checkpoint/read-failed', /config\.json: it is not a regular file/);
});

test('a file that shrinks after it was opened is an error where it is read, not a crash', async () => {
  const directory = place(CONFIG);
  writeSafetensors(join(directory, 'model.safetensors'), [tensor('x', 1), tensor('y', 2)]);
  const checkpoint = await openCheckpoint(directory, { map: false });
  truncateSync(join(directory, 'model.safetensors'), 20);
  assert.throws(() => checkpoint.tensors.get('y')!.bytes(), { code: 'checkpoint/truncated' });
  checkpoint.close();
});

test('after close, tensors that were not read yet say so', async () => {
  const checkpoint = await openCheckpoint(join(golden, 'micro'));
  checkpoint.close();
  checkpoint.close();
  assert.throws(() => checkpoint.tensors.get('lm_head.weight')!.bytes(), /its checkpoint was closed/);
});
