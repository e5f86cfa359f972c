import { randomBytes } from 'node:crypto';
import { copyFile, link, mkdir, open, readFile, rename, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PatchError } from './format.ts';

/** What one file becomes. */
export interface Write {
  /** Real and checked. */
  readonly path: string;
  /** What it held when the patch was worked out; undefined: there was nothing. */
  readonly before: Uint8Array | undefined;
  /** Undefined: it goes. */
  readonly after: string | undefined;
  readonly mode?: number;
}

/**
 * Makes all changes or none: new contents are written beside their places first, then renamed into them; what fails is taken
 * back. Throws `PatchError` when a file is no longer what it was.
 */
export async function writeAll(writes: readonly Write[]): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  const cleanUp: string[] = [];
  try {
    for (const write of writes) await refuseChanged(write);
    const staged: { readonly write: Write; readonly temporary: string }[] = [];
    for (const write of writes) staged.push({ write, temporary: await stage(write, undo) });
    for (const { write, temporary } of staged) {
      const { path, before, after } = write;
      if (before !== undefined) {
        const old = beside(path);
        await keep(path, old);
        cleanUp.push(old);
        undo.push(() => rename(old, path).then(() => unlink(old))); // names of one file stay two when one is renamed
      } else undo.push(() => unlink(path));
      if (after === undefined) await unlink(path);
      else await rename(temporary, path);
    }
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => {});
    throw error;
  }
  for (const path of cleanUp) await unlink(path).catch(() => {});
}

async function refuseChanged({ path, before }: Write): Promise<void> {
  const now = await readFile(path).catch(() => undefined);
  const isSame = before === undefined ? now === undefined : now?.equals(before) === true;
  if (!isSame) throw new PatchError(`${basename(path)} has just been changed by somebody else: read it again`);
}

async function stage({ path, after, mode }: Write, undo: (() => Promise<unknown>)[]): Promise<string> {
  const temporary = beside(path);
  if (after === undefined) return temporary;
  const made = await mkdir(dirname(path), { recursive: true });
  if (made !== undefined) undo.push(() => removeFolders(made, dirname(path)));
  const file = await open(temporary, 'wx', mode === undefined ? 0o666 : 0o600);
  undo.push(() => unlink(temporary));
  try {
    await file.writeFile(after);
    if (mode !== undefined) await file.chmod(mode & 0o7777);
    await file.sync();
  } finally {
    await file.close();
  }
  return temporary;
}

/** The same file under a second name; a copy where there are no such names. */
async function keep(path: string, old: string): Promise<void> {
  try {
    await link(path, old);
  } catch {
    await copyFile(path, old);
  }
}

/** From the innermost to the first that was made. */
async function removeFolders(first: string, innermost: string): Promise<void> {
  for (let folder = innermost; folder.length >= first.length; folder = dirname(folder)) await rmdir(folder);
}

function beside(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);
}
