import { existsSync, mkdirSync, statfsSync } from 'node:fs';
import { homedir, platform } from 'node:os';
import { join } from 'node:path';
import { ggufSize, writeSyntheticGguf } from './gguf.ts';
import { huggingFaceSize, writeSyntheticHuggingFace } from './huggingface.ts';
import { type Preset, presets } from './presets.ts';
import { harmonyVocabulary } from './vocabulary.ts';

export type SyntheticLayout = 'gguf' | 'huggingface';

export interface MakeOptions {
  /** Where everything that benchmarks keep lies. Default: `cacheFolder()`. */
  readonly directory?: string;
  readonly seed?: number;
  /** Told what takes a while. */
  readonly log?: (line: string) => void;
}

/** Other numbers come from the same seed when this changes. */
const VERSION = 1;
/** Vocabulary and configuration, and room for others to write. */
const SPARE_BYTES = 1e9;

/** `ossia-bench` among the user's caches. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const caches = platform() === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache');
  return join(XDG_CACHE_HOME ?? LOCALAPPDATA ?? caches, 'ossia-bench');
}

/** Where a synthetic checkpoint lies, or would, and whether it is there. */
export function findSynthetic(
  preset: Preset,
  layout: SyntheticLayout,
  { directory = cacheFolder(), seed = 1 }: Omit<MakeOptions, 'log'> = {},
): { readonly folder: string; readonly path: string; readonly exists: boolean } {
  const folder = join(directory, `${preset}-v${VERSION}-seed${seed}`);
  const path = join(folder, layout === 'gguf' ? `${preset}.gguf` : preset);
  return { folder, path, exists: existsSync(layout === 'gguf' ? path : join(path, 'config.json')) };
}

/** The path of a synthetic checkpoint, which is made unless it is there. Throws when the disk has no room for it. */
export function makeSynthetic(preset: Preset, layout: SyntheticLayout, options: MakeOptions = {}): string {
  const { seed = 1, log = () => {} } = options;
  const config = presets[preset];
  const { folder, path, exists } = findSynthetic(preset, layout, options);
  if (exists) return path;

  mkdirSync(folder, { recursive: true });
  const size = layout === 'gguf' ? ggufSize(config) : huggingFaceSize(config);
  const { bavail, bsize } = statfsSync(folder);
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  if (bavail * bsize < size + SPARE_BYTES) {
    throw new Error(
      `Cannot make ${path}: it needs ${gigabytes(size + SPARE_BYTES)}, and ${gigabytes(bavail * bsize)} are free. Name another disk with --dir`,
    );
  }
  log(`making ${path}, ${gigabytes(size)}`);
  const start = performance.now();
  const write = layout === 'gguf' ? writeSyntheticGguf : writeSyntheticHuggingFace;
  write(path, config, seed, harmonyVocabulary(config.vocabSize));
  log(`made in ${((performance.now() - start) / 1000).toFixed(0)} s`);
  return path;
}
