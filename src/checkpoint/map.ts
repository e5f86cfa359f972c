import { constants } from 'node:buffer';
import { createRequire } from 'node:module';

/** A whole file, mapped read-only into memory. */
export interface FileMap {
  /** Bytes of the map; no copy. The view keeps the map alive. Throws a RangeError outside the file. */
  view(offset: number, length: number): Uint8Array;
  /** No further views; the memory goes when the last view is collected. */
  close(): void;
}

/** What native/map.cc exports. Handles are opaque objects that the addon recognises by a type tag. */
interface MapAddon {
  map(fd: number): object;
  view(handle: object, offset: number, length: number): Uint8Array;
  close(handle: object): void;
}

const addon = loadAddon();

/** Maps the open file. Undefined without the addon (not built, or a system without mmap). Throws when the system refuses. */
export function mapFile(fd: number, sizeBytes: number): FileMap | undefined {
  if (!addon) return undefined;
  const { view, close } = addon;
  const handle = addon.map(fd);
  const windows = new Map<number, Uint8Array>();
  return {
    view(offset, length) {
      const start = sizeBytes <= MAX_LENGTH ? 0 : Math.floor(offset / WINDOW_STEP) * WINDOW_STEP;
      const end = Math.min(sizeBytes, start + MAX_LENGTH);
      if (offset % 8 !== 0 || offset + length > end) return view(handle, offset, length);
      const window = windows.get(start) ?? view(handle, start, end - start);
      windows.set(start, window);
      return window.subarray(offset - start, offset - start + length);
    },
    close() {
      windows.clear();
      close(handle);
    },
  };
}

/**
 * V8 takes every buffer for memory that collecting garbage might free, and 459 of them, 13 GB in all, make it collect
 * over and over. So tensors share buffers as large as Node allows: the whole file, or, in Node 20, windows of 4 GiB
 * that begin every 2 GiB. A tensor beyond a window's end has its own, and so has one that is not aligned to 8 bytes
 * in the file, since a typed array over a shared buffer could not begin there.
 */
const MAX_LENGTH = constants.MAX_LENGTH;
const WINDOW_STEP = 2 ** 31;

function loadAddon(): MapAddon | undefined {
  try {
    // Two folders up is the package's root, from src/checkpoint and from dist/checkpoint alike.
    return createRequire(import.meta.url)('../../build/Release/ossia_map.node') as MapAddon;
  } catch {
    return undefined; // `Checkpoint.mapped` tells; nothing is lost but speed and memory
  }
}
