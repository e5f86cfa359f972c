import { OssiaError } from '../base/index.ts';
import type { FileDType } from './checkpoint.ts';

/** A tensor as a header declares it: everything but the file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: FileDType;
  /** Outermost axis first. */
  readonly shape: readonly number[];
  /** First byte in the file. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Throws unless every range ends within the file and no two share a byte. Returns the entries in file order. */
export function checkRanges(entries: readonly TensorEntry[], file: string, fileBytes: number): TensorEntry[] {
  const ordered = [...entries].sort((a, b) => a.offset - b.offset || a.sizeBytes - b.sizeBytes);
  let previous: TensorEntry | undefined;
  for (const entry of ordered) {
    const end = entry.offset + entry.sizeBytes;
    if (end > fileBytes) {
      throw new OssiaError(
        'checkpoint/truncated',
        `Cannot use ${file}: tensor ${show(entry.name)} ends at byte ${end}, the file has ${fileBytes}`,
      );
    }
    if (previous && entry.offset < previous.offset + previous.sizeBytes) {
      throw new OssiaError(
        'checkpoint/overlap',
        `Cannot use ${file}: tensor ${show(entry.name)} begins at byte ${entry.offset}, ` +
          `inside ${show(previous.name)} which ends at ${previous.offset + previous.sizeBytes}`,
      );
    }
    previous = entry;
  }
  return ordered;
}

/** A name from outside, quoted and short enough for a message, control characters escaped. */
export function show(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}...` : name);
}
