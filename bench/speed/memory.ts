import { readFileSync } from 'node:fs';
import type { Memory } from './subject.ts';

/** What a process holds now; undefined where the system does not tell of others. */
export function memoryOf(pid: number): Memory | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const bytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)![1]) * 1024;
    return { resident: bytes('VmRSS'), anonymous: bytes('RssAnon') };
  } catch {
    return pid === process.pid ? { resident: process.memoryUsage.rss() } : undefined;
  }
}
