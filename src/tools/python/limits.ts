import type { FileNode, FileSystem } from './pyodide.ts';
import { type Memory, webAssembly } from './webassembly.ts';

const pageBytes = 65_536;
/** "No space left on device", as Emscripten numbers it. */
const noSpace = 51;

/** Keeps every WebAssembly memory of this thread below `max` bytes: Python sees a MemoryError. */
export function limitMemory(max: number): void {
  const { prototype } = webAssembly.Memory;
  const { grow } = prototype;
  prototype.grow = function (this: Memory, pages: number): number {
    if (this.buffer.byteLength + pages * pageBytes > max) throw new RangeError('The memory limit is reached');
    return grow.call(this, pages);
  };
}

/** Files live outside WebAssembly's memory, so they have a limit of their own: about `max` bytes beyond what is there now. */
export function limitFiles(files: FileSystem, max: number): void {
  const { MEMFS } = files.filesystems;
  const { expandFileStorage, resizeFileStorage } = MEMFS;
  const initial = bytesUnder(files.root);
  let counted = 0; // never less than what there is: what was deleted is found out when the limit seems reached
  const resize = (node: FileNode, size: number, change: () => void) => {
    const before = sizeOf(node);
    const more = size - before;
    if (more > 0 && counted + more > max) {
      counted = bytesUnder(files.root) - initial;
      if (counted + more > max) throw new files.ErrnoError(noSpace);
    }
    change();
    counted += Math.max(0, sizeOf(node) - before);
  };
  MEMFS.expandFileStorage = (node, capacity) =>
    resize(node, capacity, () => expandFileStorage.call(MEMFS, node, capacity));
  MEMFS.resizeFileStorage = (node, size) => resize(node, size, () => resizeFileStorage.call(MEMFS, node, size));
  const { createNode } = MEMFS;
  let nodes = 0;
  MEMFS.createNode = (...where) => {
    if (nodes >= maxNodes) nodes = countUnder(files.root);
    if (nodes >= maxNodes) throw new files.ErrnoError(noSpace);
    nodes++;
    return createNode.apply(MEMFS, where);
  };
  // The first bytes of a file do not go through these.
  const operations = MEMFS.ops_table.file.stream;
  const { write } = operations;
  operations.write = (stream, buffer, offset, length, position, own) => {
    const inner = () => write(stream, buffer, offset, length, position, own);
    if (sizeOf(stream.node) >= length) return inner();
    let written = 0;
    resize(stream.node, position + length, () => {
      written = inner();
    });
    return written;
  };
}

/** Files and folders: each takes memory too. */
const maxNodes = 20_000;

function sizeOf(node: FileNode): number {
  return ArrayBuffer.isView(node.contents) ? node.contents.byteLength : 0;
}

function bytesUnder(node: FileNode): number {
  if (ArrayBuffer.isView(node.contents) || !node.contents) return sizeOf(node);
  let bytes = 0;
  for (const child of Object.values(node.contents)) bytes += bytesUnder(child);
  return bytes;
}

function countUnder(node: FileNode): number {
  if (ArrayBuffer.isView(node.contents) || !node.contents) return 1;
  let count = 1;
  for (const child of Object.values(node.contents)) count += countUnder(child);
  return count;
}
