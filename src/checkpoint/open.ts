import { closeSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OssiaError } from '../base/index.ts';
import type { Checkpoint } from './checkpoint.ts';
import { hasSafetensors, openDirectory } from './directory.ts';
import { attempt, list, look, openRegular } from './file-system.ts';
import { openGguf } from './gguf-open.ts';

export interface OpenOptions {
  /** `false` reads tensors into memory when they are first used. Default: a memory map where the addon offers it. */
  readonly map?: boolean;
}

/**
 * Opens the model at `path`: a Hugging Face directory, OpenAI's `original` directory (or the one around it), a GGUF
 * file (the first of a split one, or a directory with nothing else), or a blob of Ollama's store. Reads the headers,
 * checks all that they say, and touches no weights.
 *
 * Throws OssiaError `checkpoint/…`: not-found, unknown-layout, unsupported-version, missing-file, truncated, bad-header, too-large, overlap,
 * bad-config, wrong-dtype, missing-tensor, read-failed.
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const absolute = resolve(path);
  const stats = look(absolute);
  if (!stats) throw new OssiaError('checkpoint/not-found', `Cannot open ${path}: there is no such file or directory`);
  if (stats.isDirectory()) {
    const places = [absolute, join(absolute, 'original')];
    const directory = places.find((place) => isDirectory(place) && hasSafetensors(place));
    return directory ? openDirectory(path, directory, options) : openGguf(path, findGguf(absolute), options);
  }
  if (stats.isFile() && beginsWithGguf(absolute)) return openGguf(path, absolute, options);
  const found = absolute.endsWith('.safetensors')
    ? 'it is one file of safetensors, which needs the config.json beside it: name their directory'
    : 'it is neither a directory nor a file that begins with GGUF';
  throw new OssiaError('checkpoint/unknown-layout', `Cannot open ${path}: ${found}`);
}

function isDirectory(path: string): boolean {
  return look(path)?.isDirectory() ?? false;
}

function beginsWithGguf(path: string): boolean {
  const fd = openRegular(path);
  try {
    const magic = Buffer.alloc(4);
    return attempt(path, () => readSync(fd, magic, 0, 4, 0)) === 4 && magic.toString('latin1') === 'GGUF';
  } finally {
    closeSync(fd);
  }
}

/** The one GGUF file of a directory, or the first of its one split set. */
function findGguf(directory: string): string {
  const names = list(directory).filter((name) => name.endsWith('.gguf'));
  const firsts = names.filter((name) => !/-\d{5}-of-\d{5}\.gguf$/.test(name) || /-00001-of-\d{5}\.gguf$/.test(name));
  if (firsts.length === 1) return join(directory, firsts[0]!);
  if (names.length > 0) {
    const found =
      firsts.length > 1
        ? `it has ${firsts.length} GGUF models, name one`
        : 'the first part of its GGUF model is missing';
    throw new OssiaError('checkpoint/unknown-layout', `Cannot open ${directory}: ${found}`);
  }
  if (look(join(directory, 'config.json'))) {
    throw new OssiaError(
      'checkpoint/missing-file',
      `Cannot open ${directory}: it has a config.json and no model.safetensors`,
    );
  }
  throw new OssiaError(
    'checkpoint/unknown-layout',
    `Cannot open ${directory}: it holds neither safetensors nor GGUF files`,
  );
}
