import { closeSync, ftruncateSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { usage } from '../failure.ts';

/** Bytes of header that one tensor may need: `"logits.1234":{"dtype":"F32",…}` with a shape and two offsets of up to 16 digits. */
const HEADER_BYTES_PER_TENSOR = 160;
const FLOAT_BYTES = 4;

interface Entry {
  readonly dtype: 'F32';
  readonly shape: readonly number[];
  readonly data_offsets: readonly [begin: number, end: number];
}

/**
 * Writes F32 matrices into a safetensors file row by row, in any order of rows, so that none has to fit in memory.
 * Room for the header is left in front and filled in at the end; until then the file has another name.
 */
export class SafetensorsWriter {
  readonly #path: string;
  readonly #file: number;
  readonly #dataStart: number;
  readonly #entries: Record<string, Entry> = {};
  /** Where the next tensor begins, relative to the data. */
  #begin = 0;

  constructor(path: string, maxTensors: number) {
    this.#path = path;
    this.#dataStart = 8 + Math.ceil((maxTensors * HEADER_BYTES_PER_TENSOR + 64) / 64) * 64;
    // The finished file takes the place of what is there: never of a device or a folder.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
      throw usage(`Cannot write "${path}": it is there and is not a regular file`, 'Choose another file with --out');
    }
    try {
      this.#file = openSync(partial(path), 'w');
    } catch (cause) {
      throw usage(`Cannot write "${path}": ${(cause as Error).message}`, 'Choose another file with --out');
    }
  }

  /** Writes one row of the tensor at hand. */
  writeRow(index: number, values: Float32Array): void {
    const bytes = littleEndian(values);
    const start = this.#dataStart + this.#begin + index * bytes.length;
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#file, bytes, done, bytes.length - done, start + done);
    }
  }

  /** The tensor at hand has all its rows. One that is not finished is overwritten by the next. */
  finishTensor(name: string, shape: readonly [rows: number, columns: number]): void {
    const end = this.#begin + shape[0] * shape[1] * FLOAT_BYTES;
    this.#entries[name] = { dtype: 'F32', shape, data_offsets: [this.#begin, end] };
    this.#begin = end;
  }

  /** Completes the file and gives it its name. */
  close(): void {
    const header = Buffer.alloc(this.#dataStart, ' '); // the format allows spaces after the JSON
    header.writeBigUInt64LE(BigInt(this.#dataStart - 8), 0);
    header.write(JSON.stringify(this.#entries), 8);
    writeSync(this.#file, header, 0, header.length, 0);
    ftruncateSync(this.#file, this.#dataStart + this.#begin); // rows of a tensor that failed may lie behind
    closeSync(this.#file);
    renameSync(partial(this.#path), this.#path);
  }

  /** Leaves nothing behind. */
  abandon(): void {
    closeSync(this.#file);
    rmSync(partial(this.#path), { force: true });
  }
}

function partial(path: string): string {
  return `${path}.partial`;
}

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32();
}
