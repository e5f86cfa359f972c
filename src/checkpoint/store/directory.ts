import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Layout } from '../checkpoint.ts';

/** What a directory of model files amounts to. */
export interface ModelDirectory {
  readonly layout: Layout;
  /** What to open: the directory, its `original` directory, or its (first) GGUF file. */
  readonly path: string;
  /** tokenizer.json, when there is one. */
  readonly tokenizer: string | undefined;
  /** Files that are needed and not there; empty when the model is complete. */
  readonly missing: readonly string[];
  /** Whether it says that it is gpt-oss; undefined when it has no file that could say so. */
  readonly isGptOss: boolean | undefined;
}

const MAX_JSON_BYTES = 64 << 20;

/**
 * Looks at the files of a directory, at no weights. The first layout that is complete wins, in the order Hugging Face,
 * original, GGUF; with none complete, the first that has begun. Undefined when there is no trace of a model.
 */
export async function inspectDirectory(directory: string): Promise<ModelDirectory | undefined> {
  const layouts = [await huggingFace(directory), await original(directory), await gguf(directory)];
  const begun = layouts.filter((found) => found !== undefined);
  return begun.find(({ missing }) => missing.length === 0) ?? begun[0];
}

async function huggingFace(directory: string): Promise<ModelDirectory | undefined> {
  const names = await fileNames(directory);
  if (!names.has('config.json') && ![...names].some((name) => name.endsWith('.safetensors'))) return undefined;
  const config = await readJson(join(directory, 'config.json'));
  if (config !== undefined && config.model_type === undefined) return undefined; // OpenAI's
  const needed = ['config.json', 'tokenizer.json', ...(await weightNames(directory, names))];
  return {
    layout: 'huggingface',
    path: directory,
    tokenizer: names.has('tokenizer.json') ? join(directory, 'tokenizer.json') : undefined,
    missing: needed.filter((name) => !names.has(name)),
    isGptOss: config && config.model_type === 'gpt_oss',
  };
}

/** OpenAI's own layout; its tokenizer.json, if any, lies one directory up. */
async function original(parent: string): Promise<ModelDirectory | undefined> {
  const nested = await fileNames(join(parent, 'original'));
  const directory = nested.size > 0 ? join(parent, 'original') : parent;
  const names = nested.size > 0 ? nested : await fileNames(parent);
  const config = await readJson(join(directory, 'config.json'));
  const isOriginal = config !== undefined && config.model_type === undefined;
  if (nested.size === 0 && !isOriginal) return undefined;
  const needed = ['config.json', ...(await weightNames(directory, names))];
  const prefix = nested.size > 0 ? 'original/' : '';
  const hasTokenizer = (await fileNames(parent)).has('tokenizer.json');
  return {
    layout: 'original',
    path: directory,
    tokenizer: hasTokenizer ? join(parent, 'tokenizer.json') : undefined,
    missing: needed.filter((name) => !names.has(name)).map((name) => prefix + name),
    isGptOss: config && isOriginal && 'experts_per_token' in config && 'swiglu_limit' in config,
  };
}

async function gguf(directory: string): Promise<ModelDirectory | undefined> {
  const names = await fileNames(directory);
  const candidates = [...names].filter((name) => /\.gguf$/i.test(name)).sort();
  const first = candidates.find((name) => /mxfp4/i.test(name)) ?? candidates[0];
  if (first === undefined) return undefined;
  const parts = ggufParts(first);
  const path = join(directory, parts[0]!);
  return {
    layout: 'gguf',
    path,
    tokenizer: undefined,
    missing: parts.filter((name) => !names.has(name)),
    isGptOss: await isGptOssGguf(path),
  };
}

/** All files of a model that was split as `name-00001-of-00003.gguf`; the file alone when it was not. */
export function ggufParts(name: string): readonly string[] {
  const split = /^(.*)-\d{5}-of-(\d{5})\.gguf$/i.exec(name);
  if (split === null) return [name];
  const count = Math.min(Number(split[2]), 1000);
  return Array.from({ length: count }, (_, i) => `${split[1]}-${String(i + 1).padStart(5, '0')}-of-${split[2]}.gguf`);
}

/** The weight files that a directory should have: those of its index, or the single one. */
async function weightNames(directory: string, names: ReadonlySet<string>): Promise<readonly string[]> {
  const index = 'model.safetensors.index.json';
  if (names.has(index)) {
    const map = (await readJson(join(directory, index)))?.weight_map;
    const shards = typeof map === 'object' && map !== null ? [...new Set(Object.values(map))] : [];
    const safe = shards.filter((shard) => typeof shard === 'string' && shard === basename(shard));
    return safe.length > 0 ? safe : [`a readable ${index}`];
  }
  const shard = [...names].find((name) => /-\d{5}-of-\d{5}\.safetensors$/.test(name));
  return shard === undefined ? ['model.safetensors'] : [index];
}

/** Names of the files, links that lead nowhere left out: in a hub snapshot these are files that were never finished. */
async function fileNames(directory: string): Promise<ReadonlySet<string>> {
  const names = await readdir(directory).catch(() => []);
  const found = await Promise.all(names.map((name) => stat(join(directory, name)).catch(() => undefined)));
  return new Set(names.filter((_, index) => found[index]?.isFile()));
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const stats = await stat(path);
    if (!stats.isFile() || stats.size > MAX_JSON_BYTES) return undefined; // a pipe would block for ever
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a GGUF file's `general.architecture`, which comes among its first keys, is llama.cpp's or Ollama's gpt-oss. */
export async function isGptOssGguf(path: string): Promise<boolean> {
  const head = await readHead(path, 64 << 10);
  if (head.toString('latin1', 0, 4) !== 'GGUF') return false;
  const key = 'general.architecture';
  const at = head.indexOf(key);
  if (at < 0 || at + key.length + 12 > head.length) return false;
  const value = at + key.length + 12; // past the type (u32) and the length (u64)
  const length = head.readUInt32LE(value - 8);
  return ['gpt-oss', 'gptoss'].includes(head.toString('latin1', value, value + Math.min(length, 64)));
}

async function readHead(path: string, sizeBytes: number): Promise<Buffer> {
  try {
    if (!(await stat(path)).isFile()) return Buffer.alloc(0);
    const handle = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(sizeBytes), 0, sizeBytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return Buffer.alloc(0);
  }
}
