import { fstatSync } from 'node:fs';

/** How long a pipe may take to deliver its first byte when the prompt is complete without it. */
const PATIENCE_MS = 500;

/** Whether standard input is a file or a pipe; a keyboard and /dev/null are neither. */
export function isPiped(): boolean {
  try {
    const stats = fstatSync(0);
    return stats.isFile() || stats.isFIFO() || stats.isSocket();
  } catch {
    return false; // closed
  }
}

/** All of standard input. */
export async function readAll(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) text += chunk;
  return text;
}

/**
 * All of standard input, or nothing where it stays silent: programs that start others often leave a pipe open that nobody
 * ever writes to, and waiting for its end would be waiting forever.
 */
export async function readUnlessSilent(): Promise<string> {
  const { stdin } = process;
  const begun = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), PATIENCE_MS);
    const settle = () => {
      clearTimeout(timer);
      resolve(true);
    };
    stdin.once('readable', settle).once('end', settle).once('error', settle);
  });
  if (begun) return readAll();
  stdin.destroy();
  return '';
}
