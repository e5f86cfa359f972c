import { closeSync, existsSync, ftruncateSync, openSync, renameSync, statSync, writeSync } from 'node:fs';

/** A tensor that is made while it is written. */
export interface StreamedTensor {
  readonly name: string;
  readonly sizeBytes: number;
  pieces(): Iterable<Uint8Array>;
}

/**
 * Writes a header and, behind it, tensors at multiples of `alignment`. The file has `.partial` in its name until it is whole;
 * one that was left so is taken up after its last whole tensor, and one that is whole is left alone.
 */
export function writeStreamed(
  path: string,
  header: Uint8Array,
  tensors: readonly StreamedTensor[],
  alignment = 1,
): void {
  if (existsSync(path)) return;
  const partial = `${path}.partial`;
  const written = existsSync(partial) ? statSync(partial).size : 0;
  const fd = openSync(partial, written > 0 ? 'r+' : 'w');
  try {
    writeAt(fd, header, 0);
    let at = padded(header.length, alignment);
    for (const { name, sizeBytes, pieces } of tensors) {
      const end = at + sizeBytes;
      if (end >= written) {
        for (const piece of pieces()) at = writeAt(fd, piece, at);
        if (at !== end) throw new RangeError(`Expected ${sizeBytes} bytes of ${name}, got ${at - end + sizeBytes}`);
      }
      at = padded(end, alignment);
    }
    ftruncateSync(fd, at); // the padding behind the last tensor
  } finally {
    closeSync(fd);
  }
  renameSync(partial, path);
}

function padded(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/** Returns the position after the last byte. */
function writeAt(fd: number, bytes: Uint8Array, at: number): number {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
  return at + bytes.length;
}
