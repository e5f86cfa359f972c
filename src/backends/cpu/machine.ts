import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { loadAddon, native, requireAddon } from './addon.ts';

/** What the cpu backend finds on this machine. */
export interface CpuMachine {
  readonly available: boolean;
  /** Why it is not available. */
  readonly reason?: string;
  /** Instruction sets that both the build and the machine have, best first. */
  readonly instructionSets: readonly string[];
  readonly defaultThreads: number;
}

export function cpuMachine(): CpuMachine {
  const result = loadAddon();
  const base = { instructionSets: instructionSets(), defaultThreads: defaultThreads() };
  return 'addon' in result ? { ...base, available: true } : { ...base, available: false, reason: result.reason };
}

/** Best first; empty without the addon. */
export function instructionSets(): string[] {
  const result = loadAddon();
  if (!('addon' in result)) return [];
  return result.addon
    .instructionSets()
    .filter(({ supported }) => supported)
    .map(({ name }) => name);
}

/**
 * Sustained read bandwidth in GB/s: the median of five rounds over a buffer that no cache holds. Takes about half a
 * second, on the calling thread. Throws `backend/unavailable` without the addon.
 */
export function measureReadBandwidth(options: { threads?: number; bytes?: number } = {}): number {
  const { threads = defaultThreads(), bytes = 2 ** 29 } = options;
  return native(() => requireAddon().readBandwidth(threads, bytes));
}

/**
 * 10^9 int8 multiplications and additions a second, with the best instruction set or the one named; the median of five rounds of
 * some 20 ms, on the calling thread. Throws `backend/unavailable` without the addon.
 */
export function measureIntegerPeak(options: { threads?: number; isa?: string } = {}): number {
  const { threads = defaultThreads(), isa = instructionSets()[0] ?? '' } = options;
  return native(() => requireAddon().integerPeak(isa, threads));
}

/** Cores that this process may use: its affinity, or a container's quota where that is less. */
export function defaultThreads(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cpuQuota())));
}

/** CPUs that the control group grants (cgroup v2, then v1); infinite without a limit. */
export function cpuQuota(read: (path: string) => string = (path) => readFileSync(path, 'utf8')): number {
  const attempt = (parse: () => number) => {
    try {
      const quota = parse();
      return quota > 0 ? Math.max(1, quota) : Number.POSITIVE_INFINITY;
    } catch {
      return undefined; // no such control group here
    }
  };
  return (
    attempt(() => {
      const [quota, period] = read('/sys/fs/cgroup/cpu.max').trim().split(/\s+/);
      return quota === 'max' ? Number.POSITIVE_INFINITY : Number(quota) / Number(period);
    }) ??
    attempt(
      () => Number(read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us')) / Number(read('/sys/fs/cgroup/cpu/cpu.cfs_period_us')),
    ) ??
    Number.POSITIVE_INFINITY
  );
}
