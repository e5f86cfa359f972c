import type { Hash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { OssiaError } from '../../base/index.ts';
import { type Digest, digestFile, startDigest } from './digest.ts';

/** Small network chunks are gathered to this size before they are written. */
const WRITE_BYTES = 1 << 20;

/**
 * A file on its way: `<blob>.incomplete`, its hash so far, and the next byte to ask for.
 *
 * Bytes are written at their own position and never appended, so a process that wakes from sleep and still believes
 * that it owns the file can only write what belongs there.
 */
export class PartialFile {
  readonly path: string;
  readonly sizeBytes: number;
  #digest: Digest;
  #handle: FileHandle;
  #hash: Hash;
  #written = 0;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  private constructor(path: string, digest: Digest, sizeBytes: number, handle: FileHandle) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.#digest = digest;
    this.#handle = handle;
    this.#hash = startDigest(digest.algorithm, sizeBytes);
  }

  /** Opens what an earlier run left, or a new file, and hashes the bytes that are there. */
  static async open(
    path: string,
    digest: Digest,
    sizeBytes: number,
    onProgress?: (doneBytes: number) => void,
    signal?: AbortSignal,
  ): Promise<PartialFile> {
    const handle = await onDisk(path, async () => open(path, 'r+').catch(() => open(path, 'w+')));
    const file = new PartialFile(path, digest, sizeBytes, handle);
    try {
      const { size } = await handle.stat();
      if (size > sizeBytes) await file.restart();
      else await file.#resume(size, onProgress, signal);
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The next byte to ask for. */
  get position(): number {
    return this.#written + this.#pendingBytes;
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= WRITE_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#pendingBytes === 0) return;
    const bytes = Buffer.concat(this.#pending);
    await onDisk(this.path, async () => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#written + done);
        done += bytesWritten;
      }
    });
    this.#written += bytes.length;
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** Forgets everything, for a server that cannot continue or bytes that were wrong. */
  async restart(): Promise<void> {
    await onDisk(this.path, () => this.#handle.truncate(0));
    this.#hash = startDigest(this.#digest.algorithm, this.sizeBytes);
    this.#written = 0;
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** Whether all bytes are here and are the published ones. */
  matches(): boolean {
    return this.position === this.sizeBytes && this.#hash.copy().digest('hex') === this.#digest.hex;
  }

  /** Gives the finished file its name. Its bytes are on the disk before the name is. */
  async moveTo(target: string): Promise<void> {
    await this.flush();
    await onDisk(target, async () => {
      await this.#handle.datasync();
      await this.#handle.close();
      await rename(this.path, target);
    });
  }

  async delete(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #resume(size: number, onProgress?: (doneBytes: number) => void, signal?: AbortSignal): Promise<void> {
    for await (const done of digestFile(this.#hash, this.path, size, signal)) onProgress?.(done);
    this.#written = size;
  }
}

/** Runs a disk operation; its failure becomes an error that says what to do. */
export async function onDisk<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof OssiaError) throw error;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    const problem = full ? 'store/disk-full' : 'store/write-failed';
    throw new OssiaError(problem, `Cannot write "${path}": ${full ? 'no space is left' : message}`, { cause: error });
  }
}
