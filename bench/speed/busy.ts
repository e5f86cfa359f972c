import { spawn } from 'node:child_process';

/** Each keeps one core busy, as other people's programs do. */
const WORK = 'let x = 1; for (;;) x = Math.imul(x, 1664525) + 1013904223;';

/** Runs `work` beside this many processes that never rest. */
export async function beside<T>(processes: number, work: () => Promise<T>): Promise<T> {
  const others = Array.from({ length: processes }, () => spawn(process.execPath, ['-e', WORK], { stdio: 'ignore' }));
  try {
    await Promise.all(others.map((other) => new Promise((resolve) => other.once('spawn', resolve))));
    return await work();
  } finally {
    for (const other of others) other.kill('SIGKILL');
  }
}
