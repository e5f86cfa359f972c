import { OssiaError } from '../../base/index.ts';
import { HubHttp } from './http.ts';
import { describeRepository } from './hub.ts';
import { CachedRepository } from './hub-cache.ts';
import { StoreLock } from './lock.ts';
import { checkRevision, EMBEDDED_MODEL } from './names.ts';
import { type StoreOptions, storePlaces, storeToken } from './options.ts';
import { fromSnapshot, type ResolvedModel, resolveModel } from './resolve.ts';
import type { RetryOptions } from './retry.ts';
import { type Include, repositoryToPull, selectFiles } from './select.ts';
import { Transfer } from './transfer.ts';

export interface PullOptions extends StoreOptions, RetryOptions {
  /** Default: Hugging Face's layout, or GGUF for a repository that has nothing else. */
  readonly include?: Include | undefined;
  /** Branch, tag or commit. Default: main */
  readonly revision?: string | undefined;
  /** Stops; what was downloaded stays and the next pull continues it. */
  readonly signal?: AbortSignal | undefined;
  /** Hash files that are already there too, and download again what is wrong. Default: false */
  readonly verify?: boolean | undefined;
  /** Files at a time. Default: 3 */
  readonly parallel?: number | undefined;
  /** Least time between two progress events. Default: 100 */
  readonly progressMs?: number | undefined;
  /** Whether the cache's disk takes symbolic links. Default: found out by trying. */
  readonly symlinks?: boolean | undefined;
  /** Free bytes of a directory's disk. Default: what the system says. */
  readonly freeBytes?: ((directory: string) => Promise<number>) | undefined;
}

export type PullEvent =
  /** First: what will be downloaded. `presentBytes` of the total are here already. */
  | {
      readonly type: 'plan';
      readonly repository: string;
      readonly commit: string;
      readonly files: readonly { readonly path: string; readonly sizeBytes: number; readonly presentBytes: number }[];
      readonly totalBytes: number;
      readonly presentBytes: number;
    }
  /** Bytes on the disk are being hashed, before a download continues behind them. */
  | { readonly type: 'verify'; readonly file: string; readonly doneBytes: number; readonly totalBytes: number }
  /** Byte counts are of all files together, except those that begin with `file`. */
  | {
      readonly type: 'progress';
      readonly file: string;
      readonly fileDoneBytes: number;
      readonly fileTotalBytes: number;
      readonly doneBytes: number;
      readonly totalBytes: number;
      readonly bytesPerSecond: number;
      /** Undefined while nothing moves. */
      readonly secondsLeft: number | undefined;
    }
  | {
      readonly type: 'retry';
      readonly file: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly reason: string;
    }
  /** A file is complete and verified. */
  | { readonly type: 'file'; readonly file: string; readonly path: string }
  /** Last: the model, ready to load. */
  | { readonly type: 'done'; readonly model: ResolvedModel };

/**
 * Downloads a model into the hub cache, or completes it. Every file is verified against its published digest.
 *
 * Throws `store/unknown-model`, `store/forbidden`, `store/offline`, `store/failed`, `store/corrupted`, `store/hostile`,
 * `store/disk-full`, `store/write-failed` or `store/busy`; after any of them the same call continues where this one stopped.
 *
 * @example for await (const event of pull('gpt-oss:20b')) if (event.type === 'done') console.log(event.model.path);
 */
export async function* pull(name: string, options: PullOptions = {}): AsyncGenerator<PullEvent, void, void> {
  if (name === EMBEDDED_MODEL) {
    yield { type: 'done', model: await resolveModel(name, options) };
    return;
  }
  const id = repositoryToPull(name, options.include);
  const revision = checkRevision(options.revision ?? 'main');
  if (options.offline) throw new OssiaError('store/offline', `Cannot pull ${id}: the offline option is set`);
  const abort = new AbortController();
  const relay = () => abort.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', relay);
  let lock: StoreLock | undefined;
  try {
    options.signal?.throwIfAborted();
    const { endpoint, hubCache } = storePlaces(options);
    const token = await storeToken(options);
    const http = new HubHttp({ ...options, endpoint, token, fetch: options.fetch ?? fetch, signal: abort.signal });
    const remote = await describeRepository(http, endpoint, id, revision);
    const files = selectFiles(remote, options.include);
    const cached = new CachedRepository(hubCache, id);
    lock = await StoreLock.acquire(cached.lockPath, id);
    yield* new Transfer({ http, endpoint, remote, cached, lock, abort, options }).run(files);
    if (revision !== remote.commit) await cached.writeRef(revision, remote.commit);
    yield { type: 'done', model: await pulledModel(cached, remote.commit) };
  } finally {
    options.signal?.removeEventListener('abort', relay);
    await lock?.release();
  }
}

async function pulledModel(cached: CachedRepository, commit: string): Promise<ResolvedModel> {
  const snapshot = await cached.findSnapshot(commit);
  if (snapshot?.directory.missing.length === 0) return fromSnapshot(cached.id, snapshot);
  const missing = snapshot?.directory.missing.join(', ') ?? 'every file of a model';
  throw new OssiaError('checkpoint/missing-file', `Downloaded ${cached.id}, but the repository lacks ${missing}`);
}
