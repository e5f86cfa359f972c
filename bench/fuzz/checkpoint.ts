import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OssiaError } from '../../src/base/index.ts';
import { readIndex } from '../../src/checkpoint/directory.ts';
import { readGguf } from '../../src/checkpoint/gguf.ts';
import { openCheckpoint } from '../../src/checkpoint/index.ts';
import { parseJsonObject } from '../../src/checkpoint/json.ts';
import type { TensorEntry } from '../../src/checkpoint/ranges.ts';
import { readSafetensors } from '../../src/checkpoint/safetensors.ts';
import type { HeaderSource } from '../../src/checkpoint/weight-file.ts';
import { headerPieces } from '../../test/support/gguf-writer.ts';
import { describeTensors, encodeSafetensors, frameSafetensors } from '../../test/support/safetensors-writer.ts';
import { badStrings, edge, mutateBytes, mutateJson, mutatePieces, writeJson } from './mutate.ts';
import { Random } from './random.ts';
import type { FuzzOptions, FuzzReport } from './run.ts';

/** One case in so many goes through a real file and openCheckpoint; the others through the header's reader alone. */
const REAL_FILE_EVERY = 50;

/** A kind of file: how to damage a good one, how to read it from memory, and where it lies in a checkpoint. */
interface Format {
  readonly name: string;
  damage(random: Random): Uint8Array;
  /** Throws a plain Error where a promise of the reader is broken. */
  read(bytes: Uint8Array): void;
  /** Puts the bytes into a directory with whatever else a checkpoint needs, and returns the path to open. */
  place(bytes: Uint8Array, directory: string): string;
}

const safetensors: Format = {
  name: 'safetensors',
  damage: damageSafetensors,
  read: (bytes) => checkEntries(readSafetensors(inMemory(bytes)), bytes.length),
  place(bytes, directory) {
    writeFileSync(join(directory, 'config.json'), goodConfig);
    writeFileSync(join(directory, 'model.safetensors'), bytes);
    return directory;
  },
};

const index: Format = {
  name: 'model.safetensors.index.json',
  damage: (random) => damageJson(JSON.parse(goodIndex), random),
  read(bytes) {
    for (const [, shard] of readIndex('index', bytes)) {
      if (/[/\\\0]/.test(shard) || shard.startsWith('.')) throw new Error(`shard ${shard} leads out of the directory`);
    }
  },
  place(bytes, directory) {
    writeFileSync(join(directory, 'config.json'), goodConfig);
    writeFileSync(join(directory, 'model-00000-of-00001.safetensors'), goodSafetensors);
    writeFileSync(join(directory, 'model.safetensors.index.json'), bytes);
    return directory;
  },
};

const config: Format = {
  name: 'config.json',
  damage: (random) => damageJson(JSON.parse(goodConfig), random),
  read(bytes) {
    JSON.stringify(parseJsonObject(bytes, 'config', 'checkpoint/bad-config'));
  },
  place(bytes, directory) {
    writeFileSync(join(directory, 'config.json'), bytes);
    writeFileSync(join(directory, 'generation_config.json'), bytes);
    writeFileSync(join(directory, 'model.safetensors'), goodSafetensors);
    return directory;
  },
};

const gguf: Format = {
  name: 'gguf',
  damage: damageGguf,
  read(bytes) {
    const { metadata, tensors } = readGguf(inMemory(bytes));
    checkEntries(tensors, bytes.length);
    for (const key of Object.keys(metadata)) void metadata[key]; // arrays are decoded on first use
  },
  place(bytes, directory) {
    writeFileSync(join(directory, 'model.gguf'), bytes);
    return join(directory, 'model.gguf');
  },
};

/** Damages `count` files of each format; only OssiaErrors may come of it, and what opens must be sound. */
export async function fuzz(options: FuzzOptions): Promise<readonly FuzzReport[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ossia-fuzz-'));
  try {
    const reports: FuzzReport[] = [];
    for (const format of [safetensors, index, config, gguf]) reports.push(await fuzzFormat(format, options, directory));
    return reports;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function fuzzFormat(format: Format, { count, seed, only }: FuzzOptions, scratch: string): Promise<FuzzReport> {
  const started = performance.now();
  const outcomes = new Map<string, number>();
  const failures: string[] = [];
  const [first, end] = only === undefined ? [0, count] : [only, only + 1];
  for (let i = first; i < end; i++) {
    const bytes = format.damage(new Random(seed, i));
    const real = i % REAL_FILE_EVERY === 0;
    let outcome: string;
    try {
      if (real) await readRealFile(format, bytes, scratch);
      else format.read(bytes);
      outcome = 'opened';
    } catch (error) {
      outcome = error instanceof OssiaError ? error.code : 'not an OssiaError';
      if (!(error instanceof OssiaError)) failures.push(`--seed ${seed} --case ${i}: ${String(error)}`);
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return { name: format.name, count: end - first, seconds: (performance.now() - started) / 1000, outcomes, failures };
}

async function readRealFile(format: Format, bytes: Uint8Array, scratch: string): Promise<void> {
  const directory = join(scratch, 'case');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  const checkpoint = await openCheckpoint(format.place(bytes, directory));
  try {
    const sizes = new Map(checkpoint.files.map(({ path, sizeBytes }) => [path, sizeBytes]));
    for (const tensor of checkpoint.tensors.values()) {
      checkEntries([tensor], sizes.get(tensor.file) ?? -1);
      const view = tensor.bytes();
      if (view.length !== tensor.sizeBytes) throw new Error(`${tensor.name} has ${view.length} bytes`);
      view.forEach(() => {}); // touches every byte, so that a view beyond the file would crash
    }
  } finally {
    checkpoint.close();
  }
}

function checkEntries(entries: readonly TensorEntry[], fileBytes: number): void {
  let end = 0;
  for (const { name, offset, sizeBytes } of [...entries].sort(
    (a, b) => a.offset - b.offset || a.sizeBytes - b.sizeBytes,
  )) {
    const sound = Number.isSafeInteger(offset) && Number.isSafeInteger(sizeBytes) && sizeBytes >= 0;
    if (!sound || offset < end || offset + sizeBytes > fileBytes) {
      throw new Error(`tensor ${name}: ${sizeBytes} bytes at ${offset}, after ${end}, in a file of ${fileBytes}`);
    }
    end = offset + sizeBytes;
  }
}

function inMemory(bytes: Uint8Array): HeaderSource {
  return {
    path: 'memory',
    sizeBytes: bytes.length,
    read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > bytes.length) throw new Error(`read of ${length} at ${offset}`);
      return Uint8Array.from(bytes.subarray(offset, offset + length));
    },
  };
}

const goodTensors = [
  { name: 'model.embed_tokens.weight', dtype: 'BF16', shape: [3, 5], bytes: Buffer.alloc(30, 1) },
  {
    name: 'model.layers.0.mlp.experts.down_proj_blocks',
    dtype: 'U8',
    shape: [2, 3, 1, 16],
    bytes: Buffer.alloc(96, 2),
  },
  { name: 'model.layers.0.mlp.experts.down_proj_scales', dtype: 'U8', shape: [2, 3, 1], bytes: Buffer.alloc(6, 3) },
  { name: 'model.norm.weight', dtype: 'F32', shape: [7], bytes: Buffer.alloc(28, 4) },
];
const goodSafetensors = encodeSafetensors(goodTensors);
const goodConfig = JSON.stringify({
  model_type: 'gpt_oss',
  num_hidden_layers: 2,
  layer_types: ['sliding_attention', 'full_attention'],
  rope_scaling: { factor: 32, rope_type: 'yarn', truncate: false },
  rms_norm_eps: 1e-5,
});
const goodIndex = JSON.stringify({
  metadata: { total_size: 160 },
  weight_map: Object.fromEntries(goodTensors.map(({ name }) => [name, 'model-00000-of-00001.safetensors'])),
});
const goodGguf = headerPieces({
  metadata: {
    'general.architecture': 'gpt-oss',
    'general.alignment': { u32: 32 },
    'gpt-oss.block_count': { u32: 2 },
    'gpt-oss.rope.freq_base': { f32: 150000 },
    'general.parameter_count': { u64: 20_914_757_184 },
    'tokenizer.ggml.tokens': { array: 'string', values: ['a', 'Ġb', '<|end|>'] },
    'tokenizer.ggml.token_type': { array: 'i32', values: [1, 1, 3] },
    'tokenizer.ggml.add_bos_token': false,
  },
  tensors: [
    { name: 'token_embd.weight', type: 'bf16', shape: [3, 5], bytes: Buffer.alloc(30) },
    { name: 'blk.0.ffn_down_exps.weight', type: 'mxfp4', shape: [2, 3, 32], bytes: Buffer.alloc(102) },
    { name: 'output.weight', type: 'q8_0', shape: [3, 64], bytes: Buffer.alloc(204) },
    { name: 'output_norm.weight', type: 'f32', shape: [7], bytes: Buffer.alloc(28) },
  ],
});
const GGUF_DATA_BYTES = 32 + 128 + 224 + 32;

function damageSafetensors(random: Random): Uint8Array {
  if (random.chance(3)) return mutateBytes(goodSafetensors, random);
  const header = mutateJson({ __metadata__: { format: 'pt' }, ...describeTensors(goodTensors) }, random);
  const bytes = frameSafetensors(writeJson(header, random), Buffer.alloc(160));
  if (random.chance(10)) edge(random, 8).copy(bytes);
  return random.chance(10) ? mutateBytes(bytes, random) : bytes;
}

function damageJson(good: unknown, random: Random): Uint8Array {
  const text = writeJson(random.chance(10) ? good : mutateJson(good, random), random);
  const bytes = Buffer.from(
    random.chance(20) ? text.replaceAll(/"[^"]*"/g, () => JSON.stringify(random.pick(badStrings))) : text,
  );
  return random.chance(4) ? mutateBytes(bytes, random) : bytes;
}

function damageGguf(random: Random): Uint8Array {
  const header = random.chance(3) ? mutateBytes(Buffer.concat(goodGguf), random) : mutatePieces(goodGguf, random);
  const padding = (32 - (header.length % 32)) % 32;
  const file = Buffer.concat([header, Buffer.alloc(padding + GGUF_DATA_BYTES, 5)]);
  return random.chance(10) ? mutateBytes(file, random) : file;
}
