import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { OssiaError, type ProblemCode, problems } from '../../base/index.ts';
import type { SamplingKernels } from '../sampling.ts';

/** A backend on the native side: opaque, tagged, freed when it is collected or closed. */
export interface NativeBackend {
  readonly native: unique symbol;
}

/** What native/addon.cc exports. Layouts are an offset and the strides of experts, rows and blocks, in bytes. */
export interface Addon {
  instructionSets(): { name: string; supported: boolean }[];
  open(instructionSet: string, threads: number): NativeBackend;
  upload(
    backend: NativeBackend,
    label: string,
    dtype: number,
    shape: readonly number[],
    data: Uint8Array,
    layout: readonly number[],
    scales: Uint8Array | null,
    scaleLayout: readonly number[],
    halves: boolean,
    toQ8: boolean,
  ): number;
  createKv(
    backend: NativeBackend,
    layers: number,
    kvHeads: number,
    headDim: number,
    blockSize: number,
    bits: number,
  ): number;
  growKv(backend: NativeBackend, pool: number, numBlocks: number): void;
  copyKv(backend: NativeBackend, pool: number, from: number, to: number): void;
  freeKv(backend: NativeBackend, pool: number): void;
  run(
    backend: NativeBackend,
    code: Int32Array,
    constants: Float32Array,
    ints: readonly Int32Array[],
    floats: readonly Float32Array[],
    reads: Int32Array,
  ): Promise<Float32Array[]>;
  close(backend: NativeBackend): void;
  readBandwidth(threads: number, bytes: number): number;
  integerPeak(instructionSet: string, threads: number): number;
  profile(backend: NativeBackend, whether: boolean): void;
  opSeconds(backend: NativeBackend): number[];
  sampling(instructionSet: string): SamplingKernels;
}

/** build/Release at the package root: as far from src/backends/cpu as from dist/backends/cpu. */
const file = fileURLToPath(new URL('../../../build/Release/ossia_cpu.node', import.meta.url));

let loaded: { addon: Addon } | { reason: string } | undefined;

/** The addon, or why there is none. Tried once. */
export function loadAddon(): { addon: Addon } | { reason: string } {
  if (loaded) return loaded;
  try {
    const addon = createRequire(import.meta.url)(file) as Addon;
    const isCurrent = typeof addon.opSeconds === 'function'; // the latest of its functions
    loaded = isCurrent ? { addon } : { reason: `"${file}" is older than this program: run npm install again` };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    loaded = {
      reason: code === 'MODULE_NOT_FOUND' ? `"${file}" was not built` : `"${file}" does not load: ${message}`,
    };
  }
  return loaded;
}

/** The addon; throws `backend/unavailable` with what was tried. */
export function requireAddon(): Addon {
  const result = loadAddon();
  if ('addon' in result) return result.addon;
  throw new OssiaError(
    'backend/unavailable',
    `Cannot open the cpu backend: ${result.reason}. It needs a C++17 compiler, make and python3 when Ossia is installed`,
  );
}

/** An error of the addon as one of ours; others pass through. */
export function asOssiaError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof OssiaError) return error;
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && code in problems ? new OssiaError(code as ProblemCode, error.message) : error;
}

/** Calls the addon, and turns its errors into ours. */
export function native<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw asOssiaError(error);
  }
}
