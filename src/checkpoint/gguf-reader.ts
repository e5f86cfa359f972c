import { OssiaError, type ProblemCode } from '../base/index.ts';
import { MAX_GGUF_HEADER } from './limits.ts';
import type { HeaderSource } from './weight-file.ts';

/** The first read; a header without a vocabulary fits in it. */
const FIRST_READ = 2 ** 16;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Walks over the header of a GGUF file, reading on as it goes. Every step is checked against the file's size. */
export class GgufReader {
  readonly #file: HeaderSource;
  #bytes = Buffer.alloc(0);
  #at = 0;

  constructor(file: HeaderSource) {
    this.#file = file;
  }

  get position(): number {
    return this.#at;
  }

  fail(code: ProblemCode, found: string): OssiaError {
    return new OssiaError(code, `Cannot use ${this.#file.path}: ${found}`);
  }

  u32(): number {
    const at = this.#step(4);
    return this.#bytes.readUInt32LE(at);
  }

  /** A u64 that counts something; `what` names it. Throws `checkpoint/too-large` beyond `limit`. */
  count(what: string, limit: number): number {
    const at = this.#step(8);
    const count = this.#bytes.readUInt32LE(at + 4) * 2 ** 32 + this.#bytes.readUInt32LE(at);
    if (count > limit) {
      const exact = this.#bytes.readBigUInt64LE(at);
      throw this.fail('checkpoint/too-large', `${what} is ${exact}, the limit is ${limit}`);
    }
    return count;
  }

  /** UTF-8 behind its length; for keys and names, which have to be valid and short. */
  name(what: string, limit: number): string {
    const length = this.count(`the length of ${what}`, limit);
    const start = this.#step(length);
    try {
      return strictUtf8.decode(this.#bytes.subarray(start, start + length));
    } catch {
      throw this.fail('checkpoint/bad-header', `${what} at byte ${start} is not valid UTF-8`);
    }
  }

  /** Passes over a string of any length. */
  skipString(): void {
    const length = this.count('the length of a string', MAX_GGUF_HEADER);
    this.#step(length);
  }

  skip(length: number): void {
    this.#step(length);
  }

  /** The bytes from `start` to here. They stay valid. */
  since(start: number): Buffer {
    return this.#bytes.subarray(start, this.#at);
  }

  /** Moves on by `length` and returns where that piece began; the bytes up to its end are then in memory. */
  #step(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) this.#readOn(start + length);
    this.#at = start + length;
    return start;
  }

  #readOn(end: number): void {
    if (end > this.#file.sizeBytes) {
      const found = `its header runs to byte ${end} at least, the file has ${this.#file.sizeBytes}`;
      throw this.fail('checkpoint/truncated', found);
    }
    if (end > MAX_GGUF_HEADER) {
      throw this.fail('checkpoint/too-large', `its header is longer than ${MAX_GGUF_HEADER} bytes`);
    }
    const have = this.#bytes.length;
    const want = Math.min(Math.max(end, have * 4, FIRST_READ), this.#file.sizeBytes, MAX_GGUF_HEADER);
    const grown = Buffer.allocUnsafe(want);
    this.#bytes.copy(grown);
    grown.set(this.#file.read(have, want - have), have);
    this.#bytes = grown;
  }
}
