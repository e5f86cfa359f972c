import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Free bytes on the disk that a folder is on, or would be; undefined where the system does not say. */
export async function freeBytesAt(folder: string): Promise<number | undefined> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path === dirname(path)) return undefined;
    }
  }
}
