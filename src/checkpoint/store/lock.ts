import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { OssiaError } from '../../base/index.ts';
import { onDisk } from './partial-file.ts';

/** The owner touches its lock this often … */
const HEARTBEAT_MS = 5_000;
/** … so one that nobody touched for so long was left by a crash, on this machine or on another that shares the disk. */
const STALE_MS = 60_000;

interface LockOwner {
  readonly pid: number;
  readonly host: string;
  readonly id: string;
}

/**
 * Holds a repository of the cache for one writer, across processes. A file made exclusively, because Node has no flock.
 * Throws `store/busy` when another holds it.
 */
export class StoreLock {
  readonly #path: string;
  readonly #id: string;
  readonly #heartbeat: NodeJS.Timeout;

  private constructor(path: string, id: string) {
    this.#path = path;
    this.#id = id;
    this.#heartbeat = setInterval(() => void this.#touch(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  static async acquire(path: string, what: string): Promise<StoreLock> {
    const owner: LockOwner = { pid: process.pid, host: hostname(), id: randomUUID() };
    await onDisk(path, () => mkdir(dirname(path), { recursive: true }));
    for (let tries = 0; tries < 3; tries++) {
      if (await create(path, owner)) return new StoreLock(path, owner.id);
      const other = await readOwner(path);
      const age = await ageMs(path);
      if (age === undefined) continue; // released in this moment
      if (!isStale(other, age)) throw busy(path, what, other);
      await discard(path, other, owner.id);
    }
    throw busy(path, what, await readOwner(path));
  }

  async release(): Promise<void> {
    clearInterval(this.#heartbeat);
    if ((await readOwner(this.#path))?.id === this.#id) await rm(this.#path, { force: true });
  }

  /** Throws when another process took the lock over, as it may after this one was asleep for a minute. */
  async check(): Promise<void> {
    const other = await readOwner(this.#path);
    if (other?.id !== this.#id) throw busy(this.#path, 'the model', other);
  }

  async #touch(): Promise<void> {
    const now = new Date();
    if ((await readOwner(this.#path))?.id === this.#id) await utimes(this.#path, now, now).catch(() => {});
  }
}

async function create(path: string, owner: LockOwner): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(owner), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    return onDisk(path, () => Promise.reject(error));
  }
}

/**
 * Moves a stale lock away. Another process may have replaced it since it was looked at; then what was moved is a live
 * lock, and goes back.
 */
async function discard(path: string, stale: LockOwner | undefined, id: string): Promise<void> {
  const grave = `${path}.${id}`;
  await rename(path, grave).catch(() => {});
  if ((await readOwner(grave))?.id !== stale?.id) await link(grave, path).catch(() => {});
  await rm(grave, { force: true });
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(path, 'utf8'));
    const { pid, host, id } = owner as Record<string, unknown>;
    return typeof pid === 'number' && typeof host === 'string' && typeof id === 'string'
      ? { pid, host, id }
      : undefined;
  } catch {
    return undefined; // gone, or half written
  }
}

async function ageMs(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && Date.now() - found.mtimeMs;
}

function isStale(owner: LockOwner | undefined, age: number): boolean {
  if (age > STALE_MS) return true;
  return owner !== undefined && owner.host === hostname() && !isRunning(owner.pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it runs, as another user
  }
}

function busy(path: string, what: string, owner: LockOwner | undefined): OssiaError {
  const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
  return new OssiaError('store/busy', `Cannot change ${what}: ${who} is downloading or removing it ("${path}")`);
}
