import { execFileSync } from 'node:child_process';
import { arch, cpus, platform } from 'node:os';

/** What a result is worth keeping with. */
export interface Circumstances {
  readonly command: string;
  readonly machine: string;
  readonly node: string;
  readonly commit: string;
  readonly date: string;
}

/** `args` are the benchmark's name and its arguments. */
export function circumstances(args: readonly string[]): Circumstances {
  const processors = cpus();
  return {
    command: `npm run bench -- ${args.join(' ')}`,
    machine: `${processors[0]?.model ?? 'unknown'}, ${processors.length} cores, ${platform()} ${arch()}`,
    node: process.version,
    commit: commit(),
    date: new Date().toISOString(),
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'not a checkout';
  }
}
