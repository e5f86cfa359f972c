import { closeSync, fstatSync, readSync } from 'node:fs';
import { OssiaError } from '../base/index.ts';
import { attempt, look, openRegular } from './file-system.ts';
import { type FileMap, mapFile } from './map.ts';

/** The largest piece that one read call takes; the system's own limit is just under 2 GiB. */
const MAX_READ = 2 ** 30;

/** What reading a header takes; a test or a fuzzer may offer bytes of its own. */
export interface HeaderSource {
  readonly path: string;
  readonly sizeBytes: number;
  /** A copy of bytes within the file, in a buffer of its own. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer>;
}

/** A file of weights, open for reading: small pieces are copied, tensors are views of a memory map. */
export class WeightFile implements HeaderSource {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #fd: number;
  readonly #map: FileMap | undefined;
  #closed = false;

  private constructor(path: string, fd: number, sizeBytes: number, map: FileMap | undefined) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.#fd = fd;
    this.#map = map;
  }

  /** `map: false` does without the memory map. Throws `checkpoint/missing-file` or `checkpoint/read-failed`. */
  static open(path: string, { map = true }: { readonly map?: boolean } = {}): WeightFile {
    const fd = openRegular(path);
    try {
      const sizeBytes = attempt(path, () => fstatSync(fd).size);
      return new WeightFile(path, fd, sizeBytes, map ? attempt(path, () => mapFile(fd, sizeBytes)) : undefined);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  get mapped(): boolean {
    return this.#map !== undefined;
  }

  /** A copy of some bytes. For headers: unlike the map, it survives a file that shrinks while it is read. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    this.#check(offset, length);
    const out = attempt(this.path, () => new Uint8Array(length));
    for (let done = 0; done < length; ) {
      const piece = Math.min(MAX_READ, length - done);
      const got = attempt(this.path, () => readSync(this.#fd, out, done, piece, offset + done));
      if (got === 0) {
        throw new OssiaError(
          'checkpoint/truncated',
          `Cannot read ${this.path}: it ended at byte ${offset + done} while in use`,
        );
      }
      done += got;
    }
    return out;
  }

  /** Some bytes where they lie in the memory map, or a copy where there is none. Must not be written to. */
  view(offset: number, length: number): Uint8Array {
    this.#check(offset, length);
    const map = this.#map;
    return map ? attempt(this.path, () => map.view(offset, length)) : this.read(offset, length);
  }

  /** Views stay readable: they keep the map alive until they are collected. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#map?.close();
    closeSync(this.#fd);
  }

  #check(offset: number, length: number): void {
    if (this.#closed) throw new Error(`Cannot read ${this.path}: its checkpoint was closed`);
    if (!(offset >= 0 && length >= 0 && offset + length <= this.sizeBytes)) {
      throw new RangeError(`Expected bytes within the ${this.sizeBytes} of ${this.path}, got ${length} at ${offset}`);
    }
  }
}

/** Reads a small text file whole. Undefined when there is none. Throws `checkpoint/too-large` beyond `limit` bytes. */
export function readSmallFile(path: string, limit: number): Uint8Array | undefined {
  if (!look(path)) return undefined;
  const file = WeightFile.open(path, { map: false });
  try {
    if (file.sizeBytes > limit) {
      throw new OssiaError(
        'checkpoint/too-large',
        `Cannot use ${path}: it has ${file.sizeBytes} bytes, at most ${limit} are read`,
      );
    }
    return file.read(0, file.sizeBytes);
  } finally {
    file.close();
  }
}
