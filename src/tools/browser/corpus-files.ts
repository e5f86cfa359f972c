import { constants } from 'node:fs';
import { open, opendir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** Files of a corpus at most, their bytes each and together, and how deep folders go. */
export const corpusLimits = { files: 5_000, fileBytes: 2 * 2 ** 20, bytes: 64 * 2 ** 20, depth: 16 };

const types: Readonly<Record<string, string>> = {
  md: 'text/markdown',
  markdown: 'text/markdown',
  txt: 'text/plain',
  text: 'text/plain',
  rst: 'text/plain',
  html: 'text/html',
  htm: 'text/html',
};

/** The media type of a file that a corpus takes in. */
export function corpusType(path: string): string | undefined {
  const dot = path.lastIndexOf('.');
  return dot < 0 ? undefined : types[path.slice(dot + 1).toLowerCase()];
}

/**
 * Paths below `root` of the files that belong to a corpus, with `/` between folders, in order. Symbolic links, hidden files and
 * installed packages are left out. `parts`: what is looked at in the root; by default, all of it.
 */
export async function listCorpus(root: string, parts?: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  const visit = async (folder: string, depth: number): Promise<void> => {
    const names: { name: string; isFolder: boolean }[] = [];
    for await (const entry of await opendir(folder)) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      if (depth === 0 && parts && !parts.includes(entry.name)) continue;
      if (entry.isDirectory()) names.push({ name: entry.name, isFolder: true });
      else if (entry.isFile() && corpusType(entry.name)) names.push({ name: entry.name, isFolder: false });
      if (names.length >= corpusLimits.files) break;
    }
    names.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name, isFolder } of names) {
      if (files.length >= corpusLimits.files) return;
      const path = join(folder, name);
      if (!isFolder) files.push(relative(root, path).split(sep).join('/'));
      else if (depth < corpusLimits.depth) await visit(path, depth + 1);
    }
  };
  await visit(root, 0);
  return files;
}

/** A file's first bytes, up to the limit. Rejects when it is not a file of its own inside the root any more. */
export async function readCorpusFile(root: string, path: string): Promise<Uint8Array> {
  const file = join(root, ...path.split('/'));
  const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    // A folder on the way may have become a link since the files were listed.
    if ((await realpath(file)) !== join(await realpath(root), ...path.split('/'))) throw new Error('it lies elsewhere');
    const status = await handle.stat();
    if (!status.isFile()) throw new Error('it is not a file');
    const bytes = new Uint8Array(Math.min(status.size, corpusLimits.fileBytes));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
