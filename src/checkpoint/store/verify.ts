import { realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { digestFile, digestOfName, startDigest } from './digest.ts';
import { walk } from './hub-cache.ts';

export type VerifyEvent =
  /** How far the hashing of one file is. */
  | { readonly type: 'progress'; readonly file: string; readonly doneBytes: number; readonly totalBytes: number }
  /** `unknown`: the file's name does not say what it should be, as that of any file outside of a store. */
  | { readonly type: 'file'; readonly file: string; readonly result: 'intact' | 'damaged' | 'unknown' };

/**
 * Hashes a model's files and compares them with their published digests. Needs no network: in the hub cache and in
 * Ollama's store a file is a link to, or is, a blob that has its digest for a name.
 *
 * `path` is that of a ResolvedModel: a directory or one file.
 */
export async function* verifyFiles(path: string, signal?: AbortSignal): AsyncGenerator<VerifyEvent, void, void> {
  const found = await stat(path);
  const files = found.isDirectory() ? (await walk(path)).toSorted() : [path];
  for (const file of files) yield* verifyFile(file, signal);
}

async function* verifyFile(file: string, signal: AbortSignal | undefined): AsyncGenerator<VerifyEvent> {
  const target = await realpath(file).catch(() => undefined);
  if (target === undefined) return yield { type: 'file', file, result: 'damaged' }; // a link to nothing
  const digest = digestOfName(basename(target));
  if (digest === undefined) return yield { type: 'file', file, result: 'unknown' };
  const { size: totalBytes } = await stat(target);
  const hash = startDigest(digest.algorithm, totalBytes);
  for await (const doneBytes of digestFile(hash, target, totalBytes, signal)) {
    yield { type: 'progress', file, doneBytes, totalBytes };
  }
  yield { type: 'file', file, result: hash.digest('hex') === digest.hex ? 'intact' : 'damaged' };
}
