import { lstat, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OssiaError } from '../../base/index.ts';
import type { Layout } from '../checkpoint.ts';
import { inspectDirectory } from './directory.ts';
import { CachedRepository, cachedRepositories, walk } from './hub-cache.ts';
import { StoreLock } from './lock.ts';
import { EMBEDDED_MODEL, isHubId, knownModel, looksLikePath, unknownModel } from './names.ts';
import { findOllamaModel, listOllamaModels } from './ollama.ts';
import { type StoreOptions, storePlaces } from './options.ts';
import type { ModelOrigin } from './resolve.ts';

/** A model on this machine. */
export interface StoredModel {
  /** What `resolveModel` takes. */
  readonly name: string;
  readonly origin: ModelOrigin;
  readonly path: string;
  /** On disk, with all revisions and unfinished downloads. */
  readonly sizeBytes: number;
  readonly modified: Date;
  readonly layout: Layout | undefined;
  readonly status: 'complete' | 'partial';
  /** Files that are needed and not there, as far as those that are there tell. */
  readonly missing: readonly string[];
  readonly commit?: string;
}

/** The gpt-oss models on this machine: embedded, in the hub cache, in Ollama's store. Reads a few kilobytes of each. */
export async function listModels(options: StoreOptions = {}): Promise<readonly StoredModel[]> {
  const { embeddedModels, hubCache, ollamaModels } = storePlaces(options);
  const repositories = await cachedRepositories(hubCache);
  const hub = await Promise.all(repositories.map((repository) => describeCached(repository)));
  const ollama = (await listOllamaModels(ollamaModels)).map(
    ({ complete, ...model }): StoredModel => ({
      ...model,
      origin: 'ollama',
      layout: 'gguf',
      status: complete ? 'complete' : 'partial',
      missing: complete ? [] : [model.path],
    }),
  );
  return [await describeEmbedded(embeddedModels), ...hub, ...ollama].filter((model) => model !== undefined);
}

async function describeEmbedded(embeddedModels: string): Promise<StoredModel | undefined> {
  const path = join(embeddedModels, EMBEDDED_MODEL);
  const directory = await inspectDirectory(path);
  if (directory === undefined) return undefined;
  const files = await Promise.all((await walk(path)).map((file) => stat(file)));
  return {
    name: EMBEDDED_MODEL,
    origin: 'embedded',
    path,
    sizeBytes: files.reduce((sum, { size }) => sum + size, 0),
    modified: new Date(Math.max(...files.map(({ mtimeMs }) => mtimeMs))),
    layout: directory.layout,
    status: directory.missing.length === 0 ? 'complete' : 'partial',
    missing: directory.missing,
  };
}

/** Undefined for what is not gpt-oss. A download that was cut before its config.json came is known by its name. */
async function describeCached(repository: CachedRepository): Promise<StoredModel | undefined> {
  const snapshot = await repository.findSnapshot();
  const { directory, commit } = snapshot ?? {};
  if (!(directory?.isGptOss ?? /gpt-?oss/i.test(repository.id))) return undefined;
  const { sizeBytes, modified } = await repository.usage();
  const complete = directory?.missing.length === 0;
  return {
    name: repository.id,
    origin: 'hub',
    path: directory?.path ?? repository.path,
    sizeBytes,
    modified,
    layout: directory?.layout,
    status: complete ? 'complete' : 'partial',
    missing: directory?.missing ?? ['config.json'],
    ...(commit === undefined ? {} : { commit }),
  };
}

export interface RemoveOptions extends StoreOptions {
  /** Branch, tag or commit: removes that snapshot, and the blobs that no other uses. Default: the whole repository */
  readonly revision?: string | undefined;
}

export interface RemovedModel {
  readonly name: string;
  readonly path: string;
  readonly freedBytes: number;
}

/**
 * Removes a gpt-oss model from the hub cache: snapshots, references, blobs, and unfinished downloads.
 * Throws `store/not-removable` for embedded models, paths and Ollama's; `store/busy` while it is being downloaded.
 */
export async function removeModel(name: string, options: RemoveOptions = {}): Promise<RemovedModel> {
  refuseToRemove(name);
  const { hubCache, ollamaModels } = storePlaces(options);
  const models = await listModels(options);
  const known = knownModel(name);
  const ids = known ? [known.hub, known.gguf] : [name];
  const inCache = models.filter(({ origin }) => origin === 'hub');
  const model = ids.map((id) => inCache.find((other) => other.name === id)).find((found) => found !== undefined);
  if (model === undefined) {
    const ollama = await findOllamaModel(ollamaModels, known?.ollama ?? name);
    if (ollama !== undefined) {
      throw notRemovable(name, `it is in Ollama's store: run \`ollama rm ${ollama.name}\``);
    }
    if (isHubId(name) && (await new CachedRepository(hubCache, name).exists())) {
      throw notRemovable(name, 'it is in the hub cache but is not a gpt-oss model: run `hf cache rm`');
    }
    throw unknownModel(
      name,
      [`the hub cache (${hubCache})`],
      models.map((other) => other.name),
    );
  }
  const repository = new CachedRepository(hubCache, model.name);
  const lock = await StoreLock.acquire(repository.lockPath, model.name);
  try {
    const before = (await repository.usage()).sizeBytes;
    if (options.revision === undefined) await removeRepository(repository);
    else await removeRevision(repository, options.revision);
    const after = (await repository.usage()).sizeBytes;
    return { name: model.name, path: repository.path, freedBytes: before - after };
  } finally {
    await lock.release();
  }
}

function refuseToRemove(name: string): void {
  if (name === EMBEDDED_MODEL) throw notRemovable(name, 'it is a part of Ossia');
  if (looksLikePath(name)) throw notRemovable(name, 'it is a path, and Ossia removes only what it downloads');
}

function notRemovable(name: string, why: string): OssiaError {
  return new OssiaError('store/not-removable', `Cannot remove "${name}": ${why}`);
}

/** References go first and blobs last, so that a crash in between leaves nothing that points to nothing. */
async function removeRepository(repository: CachedRepository): Promise<void> {
  for (const part of ['refs', 'snapshots', 'blobs', '']) await removeTree(join(repository.path, part));
}

async function removeRevision(repository: CachedRepository, revision: string): Promise<void> {
  const refs = await repository.refs();
  const commit = refs.get(revision) ?? revision;
  const commits = await repository.commits();
  if (!commits.includes(commit)) {
    const held = `it has ${[...refs.keys(), ...commits].join(', ') || 'none'}`;
    throw new OssiaError('store/unknown-model', `Cannot find revision ${revision} of ${repository.id}: ${held}`);
  }
  if (commits.length === 1) return removeRepository(repository);
  for (const [ref, target] of refs) if (target === commit) await rm(join(repository.path, 'refs', ref));
  await removeTree(repository.snapshotPath(commit));
  await removeUnusedBlobs(repository);
}

/** Blobs that no snapshot shows any more. What is unfinished belongs to no snapshot, so it goes as well. */
async function removeUnusedBlobs(repository: CachedRepository): Promise<void> {
  const shown = await walk(join(repository.path, 'snapshots'));
  const used = new Set(await Promise.all(shown.map((path) => realpath(path).catch(() => path))));
  const blobs = join(repository.path, 'blobs');
  for (const name of await readdir(blobs).catch(() => [])) {
    const path = join(blobs, name);
    if (!used.has(await realpath(path))) await rm(path, { force: true });
  }
}

/** A directory that the user moved to another disk and linked here is removed as a link, with what it holds. */
async function removeTree(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSymbolicLink()) {
    for (const name of await readdir(path).catch(() => []))
      await rm(join(path, name), { recursive: true, force: true });
  }
  await rm(path, { recursive: true, force: true });
}
