import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { webAssembly } from './webassembly.ts';

/** What Ossia uses of the package pyodide. */
export interface Pyodide {
  runPython(source: string): unknown;
  setInterruptBuffer(buffer: { 0: number }): void;
  setStdin(options: { stdin: () => null }): void;
  setStdout(options: { write: (bytes: Uint8Array) => number }): void;
  setStderr(options: { write: (bytes: Uint8Array) => number }): void;
  unregisterJsModule(name: string): void;
  readonly FS: FileSystem;
  readonly globals: { get(name: string): unknown };
}

/** Emscripten's. */
export interface FileSystem {
  readonly root: FileNode;
  readonly filesystems: { readonly MEMFS: MemoryFiles };
  readonly ErrnoError: new (errno: number) => Error;
}

/** `contents` of a directory are its children by name, those of a file its bytes. */
export interface FileNode {
  contents?: Uint8Array | Record<string, FileNode> | null;
}

export interface MemoryFiles {
  createNode(...where: unknown[]): FileNode;
  expandFileStorage(node: FileNode, newCapacity: number): void;
  resizeFileStorage(node: FileNode, newSize: number): void;
  readonly ops_table: { readonly file: { readonly stream: { write: WriteFile } } };
}

type WriteFile = (
  stream: { readonly node: FileNode },
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
  own?: boolean,
) => number;

/** The package's files, read while there is something to read them with. */
export interface PyodideFiles {
  readonly loader: string;
  readonly runtime: string;
  readonly lock: string;
  readonly binaries: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

export async function readPyodide(folder: string): Promise<PyodideFiles> {
  const binary = async (name: string) => [name, new Uint8Array(await readFile(join(folder, name)))] as const;
  const text = (name: string) => readFile(join(folder, name), 'utf8');
  return {
    loader: await text('pyodide.mjs'),
    runtime: await text('pyodide.asm.mjs'),
    lock: await text('pyodide-lock.json'),
    binaries: new Map([await binary('pyodide.asm.wasm'), await binary('python_stdlib.zip')]),
  };
}

type Loader = { loadPyodide(options: Record<string, unknown>): Promise<Pyodide> };
type Runtime = { default: unknown };

/**
 * Starts Python in a realm without `process`. There pyodide takes the thread for a web worker, so it never holds Node's
 * modules; the files come from memory. Its own `import(…)` are made to fail: they could bring `node:net` back.
 */
export async function startPyodide(files: PyodideFiles): Promise<Pyodide> {
  const scope = globalThis as unknown as Record<(typeof standIns)[number], unknown>;
  const { instantiate } = webAssembly;
  const binary = (url: unknown) => files.binaries.get(String(url).split('/').at(-1)!);
  scope.self = globalThis;
  scope.location = nowhere;
  scope.WorkerGlobalScope = function WorkerGlobalScope() {};
  Object.defineProperty(scope.WorkerGlobalScope, Symbol.hasInstance, { value: () => true });
  scope.fetch = async (url: unknown) => ({ ok: true, url, arrayBuffer: async () => binary(url)!.buffer });
  webAssembly.instantiateStreaming = async (response, imports) => {
    const { url } = (await response) as { url: unknown };
    return await instantiate(binary(url)!, imports);
  };
  try {
    const { loadPyodide } = (await import(asModule(files.loader))) as Loader;
    const { default: createPyodideModule } = (await import(asModule(files.runtime))) as Runtime;
    return await loadPyodide({
      createPyodideModule,
      indexURL: nowhere,
      lockFileContents: { ...JSON.parse(files.lock), packages: {} },
      jsglobals: Object.create(null), // what `import js` would show
      env: { HOME: '/scratch', LANG: 'C.UTF-8' },
      packages: [],
    });
  } finally {
    for (const name of standIns) Reflect.deleteProperty(scope, name);
  }
}

/** What makes the thread look like a web worker while pyodide loads. */
const standIns = ['self', 'location', 'WorkerGlobalScope', 'fetch'] as const;

const nowhere = 'https://pyodide.invalid/';

function asModule(source: string): string {
  const refusing = source.replaceAll(/\bimport\s*\(/g, 'noImports(');
  return `data:text/javascript,${encodeURIComponent(refusing)}`;
}
