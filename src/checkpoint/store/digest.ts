import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** What a file's bytes must hash to: SHA-256 of a large file (LFS), or git's SHA-1 of a small one. */
export interface Digest {
  readonly algorithm: 'sha256' | 'git-sha1';
  readonly hex: string;
}

/** Blobs are named by their digest, in the hub cache as in Ollama's store (`sha256-…`). Undefined for other names. */
export function digestOfName(name: string): Digest | undefined {
  const hex = name.replace(/^sha256-/, '');
  if (/^[0-9a-f]{64}$/.test(hex)) return { algorithm: 'sha256', hex };
  if (/^[0-9a-f]{40}$/.test(hex)) return { algorithm: 'git-sha1', hex };
  return undefined;
}

/** A hash that has already taken what comes before the file's bytes. */
export function startDigest(algorithm: Digest['algorithm'], sizeBytes: number): Hash {
  if (algorithm === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${sizeBytes}\0`);
}

/** Feeds the first `endBytes` of a file to a hash, and yields how many are done after each mebibyte. */
export async function* digestFile(
  hash: Hash,
  path: string,
  endBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<number, void, void> {
  if (endBytes === 0) return;
  let done = 0;
  for await (const chunk of createReadStream(path, { end: endBytes - 1, highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted();
    const bytes: Buffer = chunk;
    hash.update(bytes);
    done += bytes.length;
    yield done;
  }
}
