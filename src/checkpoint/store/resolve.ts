import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { OssiaError } from '../../base/index.ts';
import type { Layout } from '../checkpoint.ts';
import { inspectDirectory } from './directory.ts';
import { CachedRepository, type Snapshot } from './hub-cache.ts';
import { listModels } from './list.ts';
import { checkRevision, EMBEDDED_MODEL, isHubId, knownModel, looksLikePath, unknownModel } from './names.ts';
import { findOllamaModel } from './ollama.ts';
import { type StoreOptions, storePlaces } from './options.ts';

export type ModelOrigin = 'embedded' | 'path' | 'hub' | 'ollama';

/** Where a name leads. */
export interface ResolvedModel {
  /** As the store calls it; for a path, the last part of it. */
  readonly name: string;
  /** What `openCheckpoint` takes: a directory or a GGUF file, absolute. */
  readonly path: string;
  readonly origin: ModelOrigin;
  readonly layout: Layout | undefined;
  /** tokenizer.json of the model. Undefined for GGUF, which has its own inside, and where there is none. */
  readonly tokenizer: string | undefined;
  /** Hub repository, when it came from there. */
  readonly repository?: string;
  /** Commit of the snapshot, when it came from the hub. */
  readonly commit?: string;
}

export interface ResolveOptions extends StoreOptions {
  /** Branch, tag or commit of a hub model. Default: main, or the newest snapshot that is complete */
  readonly revision?: string | undefined;
}

/**
 * Finds a model by name, on this machine only: `ossia-nano` (embedded), a path, a hub id (`openai/gpt-oss-20b`) in the
 * hub cache, a name that people know (`gpt-oss:20b`) in the hub cache and then in Ollama's store, any name of Ollama's.
 * Nothing is copied. Throws `store/unknown-model`, or `checkpoint/not-found` for a path that is not there.
 *
 * @example (await resolveModel('ossia-nano')).origin // 'embedded'
 */
export async function resolveModel(name: string, options: ResolveOptions = {}): Promise<ResolvedModel> {
  const places = storePlaces(options);
  if (name === EMBEDDED_MODEL) return resolvePath(join(places.embeddedModels, name), 'embedded');
  const local = await resolveLocal(name);
  if (local !== undefined) return local;
  const notes: string[] = [];
  const known = knownModel(name);
  const ids = known ? [known.hub, ...(known.gguf ? [known.gguf] : [])] : isHubId(name) ? [name] : [];
  const revision = options.revision === undefined ? undefined : checkRevision(options.revision);
  for (const id of ids) {
    const snapshot = await new CachedRepository(places.hubCache, id).findSnapshot(revision);
    if (snapshot?.directory.missing.length === 0) return fromSnapshot(id, snapshot);
    if (snapshot !== undefined)
      notes.push(`${id} is in the hub cache but lacks ${snapshot.directory.missing.join(', ')}`);
  }
  const ollama = await findOllamaModel(places.ollamaModels, known?.ollama ?? name);
  if (ollama?.complete) return { ...gguf(ollama.path), name: ollama.name, origin: 'ollama' };
  if (ollama !== undefined) notes.push(`${ollama.name} is in Ollama's store but its file is incomplete`);
  const found = (await listModels(options)).map((model) => model.name);
  const looked = [`the hub cache (${places.hubCache})`, `Ollama's store (${places.ollamaModels.join(', ')})`];
  throw unknownModel(name, looked, found, notes);
}

/** A file or directory: always when written like a path, else when there is a model of that name right here. */
async function resolveLocal(name: string): Promise<ResolvedModel | undefined> {
  const path = resolve(name.replace(/^~(?=$|[/\\])/, () => homedir()));
  const found = await stat(path).catch(() => undefined);
  if (looksLikePath(name)) {
    if (found === undefined) throw new OssiaError('checkpoint/not-found', `Cannot find "${path}"`);
    return resolvePath(path, 'path');
  }
  if (found === undefined || name === '') return undefined;
  const isModel = found.isFile() || (await inspectDirectory(path)) !== undefined;
  return isModel ? resolvePath(path, 'path') : undefined;
}

async function resolvePath(path: string, origin: ModelOrigin): Promise<ResolvedModel> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new OssiaError('checkpoint/not-found', `Cannot find "${path}"`);
  const name = basename(path);
  if (!found.isDirectory()) return { ...gguf(path), name, origin };
  const directory = await inspectDirectory(path);
  const { layout, tokenizer } = directory ?? {};
  return { name, path: directory?.path ?? path, origin, layout, tokenizer };
}

/** A snapshot as the model that it holds. */
export function fromSnapshot(id: string, { commit, directory }: Snapshot): ResolvedModel {
  const { path, layout, tokenizer } = directory;
  return { name: id, path, origin: 'hub', layout, tokenizer, repository: id, commit };
}

function gguf(path: string): Pick<ResolvedModel, 'path' | 'layout' | 'tokenizer'> {
  return { path, layout: 'gguf', tokenizer: undefined };
}
