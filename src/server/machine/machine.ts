import { arch, availableParallelism, cpus, platform, release } from 'node:os';
import { readCgroup, readMemory, readText } from '../../base/index.ts';

/** What this machine, or the container around this process, has. */
export interface Machine {
  readonly os: string;
  readonly arch: string;
  readonly cpu: string;
  /** Logical processors of the machine. */
  readonly cores: number;
  /** Logical processors that this process may run on (its affinity mask). */
  readonly usableCores: number;
  /** CPU time per second of wall clock that the cgroup allows; absent without a quota. */
  readonly cpuQuota?: number;
  /** Instruction sets of interest that the CPU names. */
  readonly instructionSets: readonly string[];
  readonly memoryBytes: number;
  /** What programs can still take without swapping. */
  readonly availableBytes: number;
  /** The cgroup's bound; absent without one. */
  readonly memoryLimitBytes?: number;
}

export function readMachine(): Machine {
  const cpuQuota = readCpuQuota();
  const { totalBytes, availableBytes, limitBytes } = readMemory();
  return {
    os: `${platform()} ${release()}`,
    arch: arch(),
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: cpus().length,
    usableCores: availableParallelism(),
    ...(cpuQuota === undefined ? {} : { cpuQuota }),
    instructionSets: readInstructionSets(),
    memoryBytes: totalBytes,
    availableBytes,
    ...(limitBytes === undefined ? {} : { memoryLimitBytes: limitBytes }),
  };
}

/** Kernel flag → the name people know. Order: as they build on each other. */
const FLAGS: readonly (readonly [flag: string, name: string])[] = [
  ['avx2', 'AVX2'],
  ['fma', 'FMA'],
  ['f16c', 'F16C'],
  ['avx512f', 'AVX-512'],
  ['avx512_vnni', 'AVX-512 VNNI'],
  ['avx_vnni', 'AVX-VNNI'],
  ['avx512_bf16', 'AVX-512 BF16'],
  ['amx_int8', 'AMX INT8'],
  ['asimd', 'NEON'],
  ['asimddp', 'NEON dot product'],
  ['i8mm', 'NEON I8MM'],
  ['sve', 'SVE'],
];

function readInstructionSets(): string[] {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readText('/proc/cpuinfo') ?? '')?.[1];
  if (line === undefined) return platform() === 'darwin' && arch() === 'arm64' ? ['NEON', 'NEON dot product'] : [];
  const flags = new Set(line.trim().split(/\s+/));
  return FLAGS.filter(([flag]) => flags.has(flag)).map(([, name]) => name);
}

/** `max 100000` is no quota, `200000 100000` is two cores' worth. cgroup v2, then v1. */
function readCpuQuota(): number | undefined {
  const [quota, period] = (readCgroup('cpu.max') ?? '').trim().split(' ').map(Number);
  if (quota && period) return quota / period;
  const oldQuota = Number(readText('/sys/fs/cgroup/cpu/cpu.cfs_quota_us') ?? -1);
  const oldPeriod = Number(readText('/sys/fs/cgroup/cpu/cpu.cfs_period_us') ?? 0);
  return oldQuota > 0 && oldPeriod > 0 ? oldQuota / oldPeriod : undefined;
}
