import { join } from 'node:path';
import { OssiaError } from '../base/index.ts';
import { assemble, type Parts } from './assemble.ts';
import type { Checkpoint } from './checkpoint.ts';
import { list, look } from './file-system.ts';
import { describe, isObject, type JsonObject, parseJsonObject } from './json.ts';
import { MAX_CONFIG, MAX_INDEX, MAX_SHARDS, MAX_TENSORS } from './limits.ts';
import { show, type TensorEntry } from './ranges.ts';
import { readSafetensors } from './safetensors.ts';
import { readSmallFile, WeightFile } from './weight-file.ts';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

type Located = Parts['tensors'][number];

/** Opens a directory of safetensors, Hugging Face's or OpenAI's; `path` is what the caller gave. */
export function openDirectory(path: string, directory: string, options: { readonly map?: boolean }): Checkpoint {
  const metadata = readConfig(join(directory, 'config.json'));
  if (!metadata) throw new OssiaError('checkpoint/missing-file', `Cannot open ${directory}: it has no config.json`);
  const generation = readConfig(join(directory, 'generation_config.json')) ?? {};
  const layout = 'num_experts' in metadata && !('model_type' in metadata) ? 'original' : 'huggingface';
  const files = new Map<string, WeightFile>();
  const open = (name: string): WeightFile => {
    const file = files.get(name) ?? WeightFile.open(join(directory, name), options);
    files.set(name, file);
    return file;
  };
  try {
    const tensors = readTensors(directory, open);
    return assemble({ path, layout, metadata, generation, files: [...files.values()], tensors });
  } catch (error) {
    for (const file of files.values()) file.close();
    throw error;
  }
}

/** Whether a directory holds weights that `openDirectory` can find. */
export function hasSafetensors(directory: string): boolean {
  return listShards(directory).length > 0 || look(join(directory, INDEX)) !== undefined;
}

function listShards(directory: string): string[] {
  return list(directory)
    .filter((name) => name.endsWith('.safetensors'))
    .sort();
}

function readConfig(path: string): JsonObject | undefined {
  const bytes = readSmallFile(path, MAX_CONFIG);
  return bytes && parseJsonObject(bytes, path, 'checkpoint/bad-config');
}

/** One file; or shards by their index; or all files there are, as OpenAI's own loader (gpt_oss/torch/weights.py) does. */
function readTensors(directory: string, open: (name: string) => WeightFile): Located[] {
  if (look(join(directory, SINGLE))) return readShard(open(SINGLE));
  const index = readSmallFile(join(directory, INDEX), MAX_INDEX);
  if (index) return readByIndex(join(directory, INDEX), index, open);
  const names = listShards(directory);
  if (names.length > MAX_SHARDS) {
    throw new OssiaError('checkpoint/too-large', `Cannot open ${directory}: it has ${names.length} safetensors files`);
  }
  const tensors = names.flatMap((name) => readShard(open(name)));
  const seen = new Map<string, WeightFile>();
  for (const [file, { name }] of tensors) {
    const other = seen.get(name);
    if (other) {
      const found = `tensor ${show(name)} is both in ${other.path} and in ${file.path}`;
      throw new OssiaError('checkpoint/bad-header', `Cannot open ${directory}: ${found}`);
    }
    seen.set(name, file);
  }
  return tensors;
}

function readShard(file: WeightFile): Located[] {
  return readSafetensors(file).map((entry) => [file, entry] as const);
}

/** Takes each tensor from the shard that the index names, whatever else that shard holds. */
function readByIndex(path: string, bytes: Uint8Array, open: (name: string) => WeightFile): Located[] {
  const places = readIndex(path, bytes);
  const shards = new Map<string, ReadonlyMap<string, TensorEntry>>();
  return places.map(([name, shard]) => {
    const file = open(shard);
    const held = shards.get(shard) ?? new Map(readSafetensors(file).map((entry) => [entry.name, entry]));
    shards.set(shard, held);
    const entry = held.get(name);
    if (!entry) {
      const found = `the index places it in ${shard}, which holds ${held.size} others`;
      throw new OssiaError('checkpoint/missing-tensor', `Cannot load tensor ${show(name)} of ${path}: ${found}`);
    }
    return [file, entry] as const;
  });
}

/** The index's `weight_map`: pairs of a tensor's name and the file beside the index that holds it. */
export function readIndex(path: string, bytes: Uint8Array): [tensor: string, shard: string][] {
  const fail = (found: string): OssiaError => new OssiaError('checkpoint/bad-header', `Cannot use ${path}: ${found}`);
  const { weight_map: map } = parseJsonObject(bytes, path, 'checkpoint/bad-header');
  if (!isObject(map)) throw fail(`its weight_map is ${describe(map)}, expected an object`);
  const places = Object.entries(map);
  if (places.length === 0) throw fail('its weight_map is empty');
  for (const [name, shard] of places) {
    // A plain file name only: a path could lead anywhere on the machine.
    if (typeof shard !== 'string' || !/^[^/\\:\0]+\.safetensors$/.test(shard)) {
      throw fail(
        `it places tensor ${show(name)} in ${describe(shard)}, expected the name of a .safetensors file beside it`,
      );
    }
  }
  const shards = new Set(places.map(([, shard]) => shard));
  if (places.length > MAX_TENSORS || shards.size > MAX_SHARDS) {
    throw new OssiaError(
      'checkpoint/too-large',
      `Cannot use ${path}: it lists ${places.length} tensors in ${shards.size} files`,
    );
  }
  return places as [string, string][];
}
