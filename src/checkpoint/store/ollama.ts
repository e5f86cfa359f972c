import { readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { isGptOssGguf } from './directory.ts';
import { walk } from './hub-cache.ts';

/** A model in Ollama's store: a GGUF file that a manifest names. Used where it lies. */
export interface OllamaModel {
  /** As `ollama list` shows it: `gpt-oss:20b`, `someone/model:tag`, `hf.co/owner/name:tag`. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly modified: Date;
  /** False when the blob is absent or shorter than its manifest says, as while `ollama pull` runs. */
  readonly complete: boolean;
}

const LIBRARY = 'registry.ollama.ai';
const MODEL_LAYER = 'application/vnd.ollama.image.model';

/** Finds a model by the name that Ollama would accept; `latest` when it has no tag. */
export async function findOllamaModel(directories: readonly string[], name: string): Promise<OllamaModel | undefined> {
  const parts = manifestPath(name);
  if (parts === undefined) return undefined;
  for (const directory of directories) {
    const found = await readManifest(directory, parts);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The gpt-oss models of the stores. */
export async function listOllamaModels(directories: readonly string[]): Promise<readonly OllamaModel[]> {
  const models: OllamaModel[] = [];
  for (const directory of directories) {
    const root = join(directory, 'manifests');
    for (const file of (await walk(root)).toSorted()) {
      const parts = relative(root, file).split(sep);
      const model = parts.length === 4 ? await readManifest(directory, parts) : undefined;
      if (model && (model.complete ? await isGptOssGguf(model.path) : /gpt-?oss/i.test(model.name))) models.push(model);
    }
  }
  return models;
}

/** `[host/][namespace/]model[:tag]` as the four folders of a manifest; undefined for a name that Ollama would refuse. */
function manifestPath(name: string): readonly string[] | undefined {
  const [full = '', tag = 'latest', ...more] = name.split(':');
  const parts = full.split('/');
  const defaults = [LIBRARY, 'library'].slice(0, Math.max(0, 3 - parts.length));
  const path = [...defaults, ...parts, tag];
  const safe = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
  return more.length === 0 && path.length === 4 && path.every((part) => safe.test(part)) ? path : undefined;
}

/** A manifest's model layer and its blob. Cloud models have no such layer and do not count. */
async function readManifest(directory: string, parts: readonly string[]): Promise<OllamaModel | undefined> {
  const path = join(directory, 'manifests', ...parts);
  const layer = await modelLayer(path);
  if (layer === undefined) return undefined;
  const blob = join(directory, 'blobs', layer.digest.replace(':', '-'));
  const [manifest, found] = await Promise.all([stat(path), stat(blob).catch(() => undefined)]);
  const sizeBytes = found?.size ?? 0;
  return {
    name: displayName(parts),
    path: blob,
    sizeBytes,
    modified: manifest.mtime,
    complete: found?.isFile() === true && sizeBytes === layer.size,
  };
}

async function modelLayer(path: string): Promise<{ digest: string; size: number } | undefined> {
  try {
    const manifest: { layers?: unknown } = JSON.parse(await readFile(path, 'utf8'));
    const layers = Array.isArray(manifest.layers) ? (manifest.layers as Record<string, unknown>[]) : [];
    const layer = layers.find((candidate) => candidate.mediaType === MODEL_LAYER);
    const { digest, size } = layer ?? {};
    // The digest becomes a path, so it is exactly a digest or nothing.
    if (typeof digest !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(digest)) return undefined;
    return typeof size === 'number' ? { digest, size } : undefined;
  } catch {
    return undefined;
  }
}

function displayName([host, namespace, model, tag]: readonly string[]): string {
  if (host !== LIBRARY) return `${host}/${namespace}/${model}:${tag}`;
  return namespace === 'library' ? `${model}:${tag}` : `${namespace}/${model}:${tag}`;
}
