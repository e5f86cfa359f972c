import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';

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
  const limit = readMemoryLimit();
  const available = readAvailableMemory();
  return {
    os: `${platform()} ${release()}`,
    arch: arch(),
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: cpus().length,
    usableCores: availableParallelism(),
    ...(cpuQuota === undefined ? {} : { cpuQuota }),
    instructionSets: readInstructionSets(),
    memoryBytes: totalmem(),
    availableBytes: limit === undefined ? available : Math.min(available, Math.max(0, limit.bytes - limit.used)),
    ...(limit === undefined ? {} : { memoryLimitBytes: limit.bytes }),
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
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(read('/proc/cpuinfo') ?? '')?.[1];
  if (line === undefined) return platform() === 'darwin' && arch() === 'arm64' ? ['NEON', 'NEON dot product'] : [];
  const flags = new Set(line.trim().split(/\s+/));
  return FLAGS.filter(([flag]) => flags.has(flag)).map(([, name]) => name);
}

/** `max 100000` is no quota, `200000 100000` is two cores' worth. cgroup v2, then v1. */
function readCpuQuota(): number | undefined {
  const [quota, period] = (readCgroup('cpu.max') ?? '').trim().split(' ').map(Number);
  if (quota && period) return quota / period;
  const oldQuota = Number(read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us') ?? -1);
  const oldPeriod = Number(read('/sys/fs/cgroup/cpu/cpu.cfs_period_us') ?? 0);
  return oldQuota > 0 && oldPeriod > 0 ? oldQuota / oldPeriod : undefined;
}

function readMemoryLimit(): { bytes: number; used: number } | undefined {
  const candidates = [
    [readCgroup('memory.max'), readCgroup('memory.current')],
    [read('/sys/fs/cgroup/memory/memory.limit_in_bytes'), read('/sys/fs/cgroup/memory/memory.usage_in_bytes')],
  ];
  for (const [limit, used] of candidates) {
    const bytes = Number(limit?.trim() ?? Number.NaN);
    if (bytes > 0 && bytes < totalmem()) return { bytes, used: Number(used ?? 0) || 0 }; // no limit reads as "max", or as a huge number
  }
  return undefined;
}

/** A file of this process's own cgroup, or of the root as containers see it. */
function readCgroup(file: string): string | undefined {
  const own = /^0::(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/';
  return read(`/sys/fs/cgroup${own === '/' ? '' : own}/${file}`) ?? read(`/sys/fs/cgroup/${file}`);
}

/** MemAvailable counts the page cache that the kernel would give back; `os.freemem` does not everywhere. */
function readAvailableMemory(): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo') ?? '')?.[1];
  return kilobytes === undefined ? process.availableMemory() : Number(kilobytes) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
