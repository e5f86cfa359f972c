import { constants, type Stats } from 'node:fs';
import { lstat, open, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { OssiaError } from '../../base/index.ts';
import { PatchError } from './format.ts';
import { decodeText } from './text.ts';

/** A path inside the folder that was checked: no link leads out of it. */
export interface Place {
  /** As the model names it, with `/` between its parts; `.` for the folder itself. */
  readonly name: string;
  /** Where it really lies: links are resolved. */
  readonly path: string;
  /** Undefined: there is nothing yet. */
  readonly stats: Stats | undefined;
}

/** Bytes of a file that is read as text. */
const MAX_BYTES = 8 * 1024 * 1024;

/** The folder that the user named. Everything goes through `place`, which refuses what lies outside, and `.git`. */
export class Folder {
  readonly root: string;
  readonly #given: string;

  private constructor(root: string, given: string) {
    this.root = root;
    this.#given = given;
  }

  static async open(path: string): Promise<Folder> {
    try {
      const root = await realpath(path);
      if ((await stat(root)).isDirectory()) return new Folder(root, resolve(path));
    } catch (cause) {
      throw new OssiaError('tools/no-folder', `Cannot open the folder ${path}: ${(cause as Error).message}`, { cause });
    }
    throw new OssiaError('tools/no-folder', `Cannot open the folder ${path}: it is no folder`);
  }

  /** Throws `PatchError` for what must not be touched. */
  async place(given: string): Promise<Place> {
    const parts = this.#parts(given);
    const name = parts.join('/') || '.';
    let path = this.root;
    for (const [index, part] of parts.entries()) {
      const next = join(path, part);
      const found = await lstatOrNothing(next);
      if (found === undefined) return { name, path: join(path, ...parts.slice(index)), stats: undefined };
      path = found.isSymbolicLink() ? await this.#follow(next, name) : next;
      if (index < parts.length - 1 && !(await stat(path)).isDirectory())
        throw new PatchError(`${name}: ${part} is no folder`);
    }
    return { name, path, stats: await stat(path) };
  }

  /** A file's text and bytes. Throws `PatchError` for what is no text file. */
  async read(place: Place): Promise<{ readonly text: string; readonly bytes: Uint8Array }> {
    const { name, path, stats } = place;
    if (stats === undefined) throw new PatchError(`${name}: there is no such file`);
    if (!stats.isFile()) throw new PatchError(`${name} is ${stats.isDirectory() ? 'a folder' : 'no file'}`);
    if (stats.size > MAX_BYTES) throw new PatchError(`${name} has ${stats.size} bytes, more than ${MAX_BYTES}`);
    const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    try {
      const bytes = await file.readFile();
      const text = decodeText(bytes);
      if (text === undefined) throw new PatchError(`${name} is no text in UTF-8`);
      return { text, bytes };
    } finally {
      await file.close();
    }
  }

  #parts(given: string): readonly string[] {
    if (given.includes('\0')) throw new PatchError('A path contains a NUL character');
    const local = isAbsolute(given) ? this.#inside(given) : given;
    const parts = local.split(sep === '\\' ? /[\\/]/ : '/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) throw new PatchError(`${given}: ".." is refused; name paths from the folder on`);
    refuseGit(parts, given);
    return parts;
  }

  #inside(given: string): string {
    for (const root of [this.root, this.#given]) {
      const local = relative(root, given);
      if (local === '' || (!isAbsolute(local) && local.split(sep)[0] !== '..')) return local;
    }
    throw new PatchError(`${given} lies outside the folder; name paths from the folder on`);
  }

  async #follow(link: string, name: string): Promise<string> {
    let target: string;
    try {
      target = await realpath(link);
    } catch {
      throw new PatchError(`${name}: a link leads nowhere`);
    }
    const local = relative(this.root, target);
    if (isAbsolute(local) || local.split(sep)[0] === '..')
      throw new PatchError(`${name}: a link leads out of the folder`);
    refuseGit(local.split(sep), name);
    return target;
  }
}

/** Also as file systems may spell it that mind neither case nor what cannot be seen. */
export function isGit(part: string): boolean {
  return /^(?:\.git|git~\d)$/i.test(
    part
      .replace(/\p{Cf}/gu, '')
      .replace(/[. ]+$/, '')
      .split(':')[0] ?? '',
  );
}

function refuseGit(parts: readonly string[], given: string): void {
  if (parts.some(isGit)) throw new PatchError(`${given}: what belongs to Git is refused`);
}

async function lstatOrNothing(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
