import { openSync, readdirSync, type Stats, statSync } from 'node:fs';
import { OssiaError } from '../base/index.ts';

/** Runs a call of the system; what it throws becomes `checkpoint/read-failed`. */
export function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new OssiaError('checkpoint/read-failed', `Cannot read ${path}: ${found}`, { cause });
  }
}

/** Undefined where there is nothing. Symbolic links are followed: the hub's cache is made of them. */
export function look(path: string): Stats | undefined {
  return attempt(path, () => statSync(path, { throwIfNoEntry: false }));
}

export function list(directory: string): string[] {
  return attempt(directory, () => readdirSync(directory));
}

/** A descriptor to read a regular file by. A pipe or a device is refused, since it could block for ever. */
export function openRegular(path: string): number {
  const stats = look(path);
  if (!stats) throw new OssiaError('checkpoint/missing-file', `Cannot open ${path}: there is no such file`);
  if (!stats.isFile()) throw new OssiaError('checkpoint/read-failed', `Cannot open ${path}: it is not a regular file`);
  return attempt(path, () => openSync(path, 'r'));
}
