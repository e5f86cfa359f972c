import { lstat, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { inspectDirectory, type ModelDirectory } from './directory.ts';
import { isHubId } from './names.ts';
import { onDisk } from './partial-file.ts';

/**
 * One repository in the hub cache, in the layout that Hugging Face's tools share:
 * `models--owner--name/{blobs/<digest>, refs/<branch>, snapshots/<commit>/<file> -> ../../blobs/<digest>}`.
 */
export class CachedRepository {
  readonly id: string;
  readonly path: string;
  /** Next to the locks of other tools; outside the repository, so that removing it does not remove the lock. */
  readonly lockPath: string;

  constructor(hubCache: string, id: string) {
    const folder = `models--${id.replaceAll('/', '--')}`;
    this.id = id;
    this.path = join(hubCache, folder);
    this.lockPath = join(hubCache, '.locks', folder, 'ossia.lock');
  }

  blobPath(digest: string): string {
    return join(this.path, 'blobs', digest);
  }

  snapshotPath(commit: string): string {
    return join(this.path, 'snapshots', commit);
  }

  async exists(): Promise<boolean> {
    return (await stat(this.path).catch(() => undefined))?.isDirectory() ?? false;
  }

  /** The commit of each branch or tag that was downloaded, by name. */
  async refs(): Promise<ReadonlyMap<string, string>> {
    const root = join(this.path, 'refs');
    const refs = new Map<string, string>();
    for (const file of await walk(root)) {
      const commit = (await readFile(file, 'utf8').catch(() => '')).trim();
      refs.set(relative(root, file).split(sep).join('/'), commit);
    }
    return refs;
  }

  async commits(): Promise<readonly string[]> {
    const names = await readdir(join(this.path, 'snapshots')).catch(() => []);
    return names.filter((name) => /^[0-9a-f]{40}$/.test(name));
  }

  /** Replaced in one move: a reader finds the old commit or the new one. */
  async writeRef(name: string, commit: string): Promise<void> {
    const path = join(this.path, 'refs', ...name.split('/'));
    await onDisk(path, async () => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.new`, commit);
      await rename(`${path}.new`, path);
    });
  }

  /** Size of the file that a snapshot shows under a name; undefined when it shows none. */
  async snapshotFileSize(commit: string, name: string): Promise<number | undefined> {
    const found = await stat(join(this.snapshotPath(commit), name)).catch(() => undefined);
    return found?.isFile() ? found.size : undefined;
  }

  /**
   * Shows a finished blob in a snapshot. Without symbolic links (Windows, some network disks) the blob itself moves
   * there, as Hugging Face's tools do.
   */
  async showBlob(commit: string, name: string, digest: string, symlinks: boolean): Promise<void> {
    const path = join(this.snapshotPath(commit), ...name.split('/'));
    const blob = this.blobPath(digest);
    const target = relative(dirname(path), blob);
    await onDisk(path, async () => {
      await mkdir(dirname(path), { recursive: true });
      if ((await readlink(path).catch(() => undefined)) === target) return;
      await rm(path, { force: true });
      if (!symlinks || !(await tryToLink(target, path))) await rename(blob, path);
    });
  }

  /** The snapshot to use: that of the revision if complete, else the newest complete one, else what there is of it. */
  async findSnapshot(revision?: string): Promise<Snapshot | undefined> {
    const refs = await this.refs();
    const wanted = refs.get(revision ?? 'main') ?? revision;
    const commits = await this.#newestFirst();
    const ordered = [
      ...commits.filter((commit) => commit === wanted),
      ...commits.filter((commit) => commit !== wanted),
    ];
    let partial: Snapshot | undefined;
    for (const commit of revision === undefined ? ordered : ordered.filter((other) => other === wanted)) {
      const directory = await inspectDirectory(this.snapshotPath(commit));
      if (directory?.missing.length === 0) return { commit, directory };
      if (directory !== undefined) partial ??= { commit, directory };
    }
    return partial;
  }

  /** Bytes on disk, each blob once, and when the last of them was written. */
  async usage(): Promise<{ sizeBytes: number; modified: Date }> {
    let sizeBytes = 0;
    let modifiedMs = 0;
    for (const file of await walk(this.path)) {
      const found = await lstat(file).catch(() => undefined);
      if (!found?.isFile()) continue;
      sizeBytes += found.size;
      modifiedMs = Math.max(modifiedMs, found.mtimeMs);
    }
    return { sizeBytes, modified: new Date(modifiedMs) };
  }

  async #newestFirst(): Promise<readonly string[]> {
    const commits = await this.commits();
    const times = await Promise.all(commits.map(async (commit) => (await stat(this.snapshotPath(commit))).mtimeMs));
    const order = new Map(commits.map((commit, index) => [commit, times[index]!]));
    return [...commits].sort((a, b) => order.get(b)! - order.get(a)!);
  }
}

export interface Snapshot {
  readonly commit: string;
  readonly directory: ModelDirectory;
}

/** Every model repository in the cache, gpt-oss or not. */
export async function cachedRepositories(hubCache: string): Promise<readonly CachedRepository[]> {
  const names = await readdir(hubCache).catch(() => []);
  const ids = names.filter((name) => name.startsWith('models--')).map((name) => name.slice(8).replaceAll('--', '/'));
  return ids
    .filter(isHubId)
    .sort()
    .map((id) => new CachedRepository(hubCache, id));
}

/** Files and links below a directory, unordered; links are not followed. */
export async function walk(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const nested = entries.map(async (entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
  return (await Promise.all(nested)).flat();
}

async function tryToLink(target: string, path: string): Promise<boolean> {
  try {
    await symlink(target, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return true; // another tool was as fast
    if (code === 'EPERM' || code === 'ENOSYS' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') return false;
    throw error;
  }
}
