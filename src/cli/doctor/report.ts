import { type KvBits, kvRowBytes } from '../../backends/index.ts';
import { bytesPerToken, type DenseType, kvBytes, type Machine, published, weightBytes } from '../../server/index.ts';
import type { ComputePath } from './paths.ts';

/** Contexts that the report shows; the last is the longest that the models accept. */
export const CONTEXTS = [8_192, 32_768, 131_072] as const;
/** Beside weights and cache: the program itself, its vocabulary, activations of a step. */
const PROGRAM_BYTES = 0.75 * 2 ** 30;

/** Bytes of a key or a value of the `cpu` backend's cache; its scales are shared out. */
export function kvValueBytes({ headDim }: { readonly headDim: number }, kvBits: KvBits): number {
  return kvRowBytes(headDim, kvBits) / headDim;
}

/** How weights, keys and values may be held: `--dense` and `--kv-bits`. */
const FORMATS = [
  { dense: 'bf16', kvBits: 16 },
  { dense: 'q8', kvBits: 16 },
  { dense: 'q8', kvBits: 8 },
] as const;

/** `tight`: only when other programs make room. */
export type Fits = 'fits' | 'tight' | 'no';

/** What one of the published models would need and reach here. */
export interface Fit {
  readonly model: string;
  readonly dense: DenseType;
  readonly kvBits: KvBits;
  readonly weightBytes: number;
  readonly bytesPerToken: number;
  /** An upper bound: memory bandwidth ÷ bytes that decoding one token must read, at a short context. */
  readonly maxTokensPerSecond: number;
  readonly contexts: readonly {
    readonly tokens: number;
    readonly kvBytes: number;
    readonly needBytes: number;
    readonly fits: Fits;
  }[];
}

export interface FoundModel {
  readonly name: string;
  readonly origin: string;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface Report {
  readonly ossia: string;
  readonly node: string;
  readonly machine: Machine;
  readonly bandwidthBytesPerSecond: number;
  readonly paths: readonly ComputePath[];
  readonly fits: readonly Fit[];
  readonly models: readonly FoundModel[];
  /** What would make things better, most important first; empty when all is well. */
  readonly missing: readonly { readonly what: string; readonly next: string }[];
}

/** Sizes of the published models against this machine's memory and bandwidth. */
export function fitModels(machine: Machine, bandwidth: number): Fit[] {
  return Object.entries(published).flatMap(([model, dimensions]) =>
    FORMATS.map(({ dense, kvBits }): Fit => {
      const weights = weightBytes(dimensions, dense);
      const perToken = bytesPerToken(dimensions, dense);
      const contexts = CONTEXTS.map((tokens) => {
        const kv = kvBytes(dimensions, tokens, kvValueBytes(dimensions, kvBits));
        const needBytes = Math.round(weights + kv + PROGRAM_BYTES);
        return { tokens, kvBytes: kv, needBytes, fits: judge(needBytes, machine) };
      });
      return {
        model,
        dense,
        kvBits,
        weightBytes: weights,
        bytesPerToken: perToken,
        maxTokensPerSecond: bandwidth / perToken,
        contexts,
      };
    }),
  );
}

function judge(needBytes: number, { availableBytes, memoryBytes, memoryLimitBytes = memoryBytes }: Machine): Fits {
  if (needBytes <= availableBytes) return 'fits';
  return needBytes <= memoryLimitBytes ? 'tight' : 'no';
}

/** What a reader could do to get more out of this machine. */
export function findMissing(
  machine: Machine,
  paths: readonly ComputePath[],
  models: readonly FoundModel[],
): Report['missing'] {
  const missing: { what: string; next: string }[] = [];
  const cpu = paths.find(({ backend }) => backend === 'cpu');
  if (cpu && !cpu.available) missing.push({ what: `the native kernels: ${cpu.reason}`, next: cpu.next ?? '' });
  if (machine.cpuQuota !== undefined && machine.cpuQuota < machine.usableCores) {
    missing.push({
      what: `CPU time: the cgroup allows ${machine.cpuQuota} of ${machine.usableCores} cores`,
      next: `Raise the quota of the container, or run with --threads ${Math.max(1, Math.floor(machine.cpuQuota))}`,
    });
  }
  if (!models.some(({ origin }) => origin !== 'embedded')) {
    missing.push({ what: 'a model other than the embedded one', next: 'ossia pull gpt-oss:20b (12.8 GiB)' });
  }
  return missing;
}
