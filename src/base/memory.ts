import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** What this machine, or the container around this process, has of memory. */
export interface Memory {
  readonly totalBytes: number;
  /** What programs can still take without swapping. */
  readonly availableBytes: number;
  /** The cgroup's bound; absent without one. */
  readonly limitBytes?: number;
}

export function readMemory(): Memory {
  const limit = readLimit();
  const available = readAvailable();
  return {
    totalBytes: totalmem(),
    availableBytes: limit === undefined ? available : Math.min(available, Math.max(0, limit.bytes - limit.used)),
    ...(limit === undefined ? {} : { limitBytes: limit.bytes }),
  };
}

/** A file of this process's own cgroup, or of the root as containers see it. */
export function readCgroup(file: string): string | undefined {
  const own = /^0::(\/.*)$/m.exec(readText('/proc/self/cgroup') ?? '')?.[1] ?? '/';
  return readText(`/sys/fs/cgroup${own === '/' ? '' : own}/${file}`) ?? readText(`/sys/fs/cgroup/${file}`);
}

/** A small file as text; undefined where it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function readLimit(): { bytes: number; used: number } | undefined {
  const candidates = [
    [readCgroup('memory.max'), readCgroup('memory.current')],
    [readText('/sys/fs/cgroup/memory/memory.limit_in_bytes'), readText('/sys/fs/cgroup/memory/memory.usage_in_bytes')],
  ];
  for (const [limit, used] of candidates) {
    const bytes = Number(limit?.trim() ?? Number.NaN);
    if (bytes > 0 && bytes < totalmem()) return { bytes, used: Number(used ?? 0) || 0 }; // no limit reads as "max", or as a huge number
  }
  return undefined;
}

/** MemAvailable counts the page cache that the kernel would give back; `os.freemem` does not everywhere. */
function readAvailable(): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(readText('/proc/meminfo') ?? '')?.[1];
  return kilobytes === undefined ? process.availableMemory() : Number(kilobytes) * 1024;
}
