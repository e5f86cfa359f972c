import { mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OssiaError } from '../../base/index.ts';
import { digestFile, startDigest } from './digest.ts';
import { downloadFile } from './download.ts';
import type { HubHttp } from './http.ts';
import type { RemoteFile, RemoteRepository } from './hub.ts';
import type { CachedRepository } from './hub-cache.ts';
import type { StoreLock } from './lock.ts';
import { onDisk } from './partial-file.ts';
import { EventQueue, Speedometer } from './progress.ts';
import type { PullEvent, PullOptions } from './pull.ts';

export interface TransferContext {
  readonly http: HubHttp;
  readonly endpoint: string;
  readonly remote: RemoteRepository;
  readonly cached: CachedRepository;
  /** Held by the caller. */
  readonly lock: StoreLock;
  /** Stops all downloads, from outside or because one of them failed. */
  readonly abort: AbortController;
  readonly options: PullOptions;
}

/** A file to have, and how much of it is here. */
interface PlannedFile extends RemoteFile {
  presentBytes: number;
  readonly complete: boolean;
}

/** The downloads of one pull: what is here, what is under way, and the events that tell of it. */
export class Transfer {
  readonly #context: TransferContext;
  readonly #events = new EventQueue<PullEvent>();
  readonly #speed = new Speedometer();
  #plan: readonly PlannedFile[] = [];
  #lastProgressAt = Number.NEGATIVE_INFINITY;

  constructor(context: TransferContext) {
    this.#context = context;
  }

  async *run(files: readonly RemoteFile[]): AsyncGenerator<PullEvent> {
    // Small files first: configuration and tokenizer are there when the first weights are.
    const smallFirst = files.toSorted((a, b) => a.sizeBytes - b.sizeBytes);
    const plan: PlannedFile[] = [];
    for (const file of smallFirst) plan.push(await this.#look(file));
    this.#plan = plan;
    const totalBytes = sum(this.#plan, ({ sizeBytes }) => sizeBytes);
    const presentBytes = sum(this.#plan, (file) => file.presentBytes);
    await this.#checkSpace(totalBytes - presentBytes);
    const plain = this.#plan.map(({ path, sizeBytes, presentBytes: here }) => ({
      path,
      sizeBytes,
      presentBytes: here,
    }));
    const { id: repository, commit } = this.#context.remote;
    yield { type: 'plan', repository, commit, files: plain, totalBytes, presentBytes };
    const workers = this.#work();
    try {
      yield* this.#events;
    } finally {
      // The reader left early, or a file failed: the other downloads stop, and keep what they have.
      this.#context.abort.abort(new DOMException('The download was stopped', 'AbortError'));
      await workers;
    }
  }

  /** Runs some downloads at a time, until all are done or one has failed. */
  async #work(): Promise<void> {
    // Files with the same bytes share a blob, so they come one after the other.
    const sameBytes = new Map<string, PlannedFile[]>();
    for (const file of this.#plan) sameBytes.set(file.digest.hex, [...(sameBytes.get(file.digest.hex) ?? []), file]);
    const queue = [...sameBytes.values()];
    const worker = async () => {
      for (let files = queue.shift(); files !== undefined; files = queue.shift()) {
        for (const file of files) {
          this.#context.abort.signal.throwIfAborted();
          await this.#obtain(file);
        }
      }
    };
    const stopOthers = (error: unknown) => {
      this.#events.fail(error);
      this.#context.abort.abort(error);
    };
    const count = Math.max(1, this.#context.options.parallel ?? 3);
    await Promise.all(Array.from({ length: count }, () => worker().catch(stopOthers)));
    this.#events.end();
  }

  /** What is here of a file. A blob of the wrong length, which a crash may leave, becomes a download to continue. */
  async #look(file: RemoteFile): Promise<PlannedFile> {
    const { cached, remote } = this.#context;
    const blob = cached.blobPath(file.digest.hex);
    const shown = await cached.snapshotFileSize(remote.commit, file.path);
    const size = (await sizeOf(blob)) ?? shown;
    if (size === file.sizeBytes) return { ...file, presentBytes: size, complete: true };
    if (await sizeOf(blob)) await onDisk(blob, () => rename(blob, `${blob}.incomplete`));
    const partial = (await sizeOf(`${blob}.incomplete`)) ?? 0;
    return { ...file, presentBytes: partial <= file.sizeBytes ? partial : 0, complete: false };
  }

  async #obtain(file: PlannedFile): Promise<void> {
    const { cached, remote, options, lock } = this.#context;
    const { digest, path } = file;
    const blobPath = cached.blobPath(digest.hex);
    const complete = file.complete || (await sizeOf(blobPath)) === file.sizeBytes;
    if (!complete || (options.verify && !(await this.#isIntact(file)))) {
      await onDisk(blobPath, () => mkdir(dirname(blobPath), { recursive: true }));
      await this.#download(file, blobPath);
      await lock.check();
    }
    // Without symbolic links the blob itself has moved into the snapshot, and there is nothing left to show.
    if ((await sizeOf(blobPath)) !== undefined) {
      await cached.showBlob(remote.commit, path, digest.hex, options.symlinks ?? true);
    }
    file.presentBytes = file.sizeBytes;
    this.#progress(file, true);
    this.#events.push({
      type: 'file',
      file: path,
      path: join(cached.snapshotPath(remote.commit), path),
    });
  }

  async #download(file: PlannedFile, blobPath: string): Promise<void> {
    const { id, commit } = this.#context.remote;
    const name = file.path.split('/').map(encodeURIComponent).join('/');
    await downloadFile({
      http: this.#context.http,
      url: `${this.#context.endpoint}/${id}/resolve/${commit}/${name}`,
      file,
      blobPath,
      retry: this.#context.options,
      signal: this.#context.abort.signal,
      observe: {
        verifying: (doneBytes) => this.#verifying(file, doneBytes),
        progress: (doneBytes, transferredBytes) => {
          file.presentBytes = doneBytes;
          this.#speed.add(transferredBytes);
          this.#progress(file, false);
        },
        retrying: (attempt, delayMs, reason) =>
          this.#events.push({ type: 'retry', file: file.path, attempt, delayMs, reason }),
      },
    });
  }

  /** Hashes a file that is complete by its length; a wrong one is removed. */
  async #isIntact(file: PlannedFile): Promise<boolean> {
    const shown = join(this.#context.cached.snapshotPath(this.#context.remote.commit), file.path);
    const blob = this.#context.cached.blobPath(file.digest.hex);
    const path = (await sizeOf(blob)) === undefined ? shown : blob;
    const hash = startDigest(file.digest.algorithm, file.sizeBytes);
    const progress = digestFile(hash, path, file.sizeBytes, this.#context.abort.signal);
    for await (const doneBytes of progress) this.#verifying(file, doneBytes);
    if (hash.digest('hex') === file.digest.hex) return true;
    await onDisk(path, () => rm(path));
    file.presentBytes = 0;
    return false;
  }

  /** What is present is what gets hashed: the beginning of a file, or the whole of a complete one. */
  #verifying(file: PlannedFile, doneBytes: number): void {
    const totalBytes = file.presentBytes;
    if (!this.#isTime(doneBytes === totalBytes)) return;
    this.#events.push({ type: 'verify', file: file.path, doneBytes, totalBytes });
  }

  #progress(file: PlannedFile, always: boolean): void {
    if (!this.#isTime(always)) return;
    const totalBytes = sum(this.#plan, ({ sizeBytes }) => sizeBytes);
    const doneBytes = sum(this.#plan, ({ presentBytes }) => presentBytes);
    this.#events.push({
      type: 'progress',
      file: file.path,
      fileDoneBytes: file.presentBytes,
      fileTotalBytes: file.sizeBytes,
      doneBytes,
      totalBytes,
      bytesPerSecond: this.#speed.bytesPerSecond(),
      secondsLeft: this.#speed.secondsFor(totalBytes - doneBytes),
    });
  }

  #isTime(always: boolean): boolean {
    const now = performance.now();
    if (!always && now - this.#lastProgressAt < (this.#context.options.progressMs ?? 100)) return false;
    this.#lastProgressAt = now;
    return true;
  }

  async #checkSpace(neededBytes: number): Promise<void> {
    if (neededBytes === 0) return;
    const { path } = this.#context.cached;
    await onDisk(path, () => mkdir(path, { recursive: true }));
    const freeBytes = await (this.#context.options.freeBytes ?? freeBytesOf)(path);
    if (freeBytes >= neededBytes) return;
    const message = `Cannot download ${this.#context.remote.id}: ${gigabytes(neededBytes)} are needed and ${gigabytes(freeBytes)} are free at "${path}"`;
    throw new OssiaError('store/disk-full', message, { details: { neededBytes, freeBytes, path } });
  }
}

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}

function gigabytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
