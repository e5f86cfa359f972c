import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type HubFile, HubServer } from './hub-server.ts';

export const REPOSITORY = 'openai/gpt-oss-20b';

/** Bytes that look random and are the same each time. */
export function bytesOf(seed: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0) | 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const text = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

/** A repository with the file names of openai/gpt-oss-20b, and files of a few hundred kilobytes. */
export function gptOssFiles(): readonly HubFile[] {
  const shards = ['model-00000-of-00001.safetensors', 'model-00001-of-00001.safetensors'];
  const weightMap = { 'model.embed_tokens.weight': shards[0], 'lm_head.weight': shards[1] };
  return [
    { path: '.gitattributes', bytes: text('*.safetensors filter=lfs\n') },
    { path: 'LICENSE', bytes: text('Apache License\n') },
    { path: 'README.md', bytes: text('# gpt-oss-20b\n') },
    { path: 'USAGE_POLICY', bytes: text('Be good\n') },
    { path: 'chat_template.jinja', bytes: text('{{ messages }}') },
    { path: 'config.json', bytes: text({ model_type: 'gpt_oss', num_hidden_layers: 24 }) },
    { path: 'generation_config.json', bytes: text({ eos_token_id: [200002] }) },
    { path: 'metal/model.bin', bytes: bytesOf('metal', 91_001), lfs: true },
    { path: shards[0]!, bytes: bytesOf('first', 700_001), lfs: true },
    { path: shards[1]!, bytes: bytesOf('second', 311_113), lfs: true },
    { path: 'model.safetensors.index.json', bytes: text({ weight_map: weightMap }) },
    { path: 'original/config.json', bytes: text({ num_experts: 32, experts_per_token: 4, swiglu_limit: 7 }) },
    { path: 'original/dtypes.json', bytes: text({ 'norm.scale': 'BF16' }) },
    { path: 'original/model.safetensors', bytes: bytesOf('original', 150_003), lfs: true },
    { path: 'special_tokens_map.json', bytes: text({}) },
    { path: 'tokenizer.json', bytes: bytesOf('tokenizer', 40_009), lfs: true },
    { path: 'tokenizer_config.json', bytes: text({ add_bos_token: false }) },
  ];
}

/** The start of a GGUF file of gpt-oss, as far as the stores look at it. */
export function ggufBytes(architecture: string, length = 5_003): Uint8Array {
  const head = Buffer.alloc(24);
  head.write('GGUF', 'latin1');
  head.writeUInt32LE(3, 4);
  head.writeBigUInt64LE(0n, 8);
  head.writeBigUInt64LE(1n, 16);
  const key = ggufString('general.architecture');
  const type = Buffer.from([8, 0, 0, 0]);
  const rest = bytesOf(architecture, length);
  return Buffer.concat([head, key, type, ggufString(architecture), rest]);
}

function ggufString(value: string): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([size, Buffer.from(value)]);
}

export async function temporaryDirectory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ossia-store-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A hub and an empty home: options that reach nothing outside of the test. */
export async function startHub(t: TestContext, files = gptOssFiles(), id = REPOSITORY) {
  const hub = await HubServer.start(id, files);
  t.after(() => hub.close());
  const home = await temporaryDirectory(t);
  return { hub, home, options: { ...isolated(home), endpoint: hub.endpoint, retryDelayMs: 1 } };
}

/** Stores below a directory, whatever the machine has. */
export function isolated(home: string) {
  return { hubCache: join(home, 'hub'), ollamaModels: [join(home, 'ollama')], tokenFile: join(home, 'token') };
}

/** Writes a model into a made-up store of Ollama, and returns the path of its blob. */
export async function addToOllama(
  store: string,
  name: string,
  bytes: Uint8Array,
  length = bytes.length,
): Promise<string> {
  const digest = createHash('sha256').update(bytes).digest('hex');
  const layers = [
    { mediaType: 'application/vnd.ollama.image.template', digest: `sha256:${'a'.repeat(64)}`, size: 9 },
    { mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${digest}`, size: bytes.length },
  ];
  const blob = join(store, 'blobs', `sha256-${digest}`);
  await write(join(store, 'manifests', name), JSON.stringify({ schemaVersion: 2, layers }));
  await write(blob, bytes.subarray(0, length));
  return blob;
}

export async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
