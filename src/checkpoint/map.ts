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
export function mapFile(fd: number): FileMap | undefined {
  if (!addon) return undefined;
  const handle = addon.map(fd);
  return {
    view: (offset, length) => addon.view(handle, offset, length),
    close: () => addon.close(handle),
  };
}

function loadAddon(): MapAddon | undefined {
  try {
    // Two folders up is the package's root, from src/checkpoint and from dist/checkpoint alike.
    return createRequire(import.meta.url)('../../build/Release/ossia_map.node') as MapAddon;
  } catch {
    return undefined; // `Checkpoint.mapped` tells; nothing is lost but speed and memory
  }
}
