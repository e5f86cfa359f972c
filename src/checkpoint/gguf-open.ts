import { OssiaError } from '../base/index.ts';
import { assemble, type Parts } from './assemble.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type GgufContents, readGguf } from './gguf.ts';
import { MAX_SHARDS, MAX_TENSORS } from './limits.ts';
import { show } from './ranges.ts';
import { WeightFile } from './weight-file.ts';

/** Opens a GGUF file with the parts that it is split into, if any; `path` is what the caller gave. */
export function openGguf(path: string, first: string, options: { readonly map?: boolean }): Checkpoint {
  const files: WeightFile[] = [];
  const read = (name: string): GgufContents => {
    const file = WeightFile.open(name, options);
    files.push(file);
    return readGguf(file);
  };
  try {
    const parts = [read(first)];
    const { metadata } = parts[0]!;
    for (const name of otherParts(first, metadata)) parts.push(read(name));
    const tensors = parts.flatMap((part, i) => part.tensors.map((entry) => [files[i]!, entry] as const));
    if (parts.length > 1) checkUnique(tensors);
    return assemble({ path, layout: 'gguf', metadata, generation: {}, files, tensors });
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}

/** llama.cpp splits large models into `name-00001-of-00003.gguf` and so on; the keys `split.*` say so. */
function otherParts(first: string, metadata: Readonly<Record<string, unknown>>): string[] {
  const count = metadata['split.count'] ?? 1;
  const fail = (found: string): OssiaError => new OssiaError('checkpoint/bad-header', `Cannot use ${first}: ${found}`);
  if (count === 0 || count === 1) return [];
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0 || count > MAX_SHARDS) {
    throw fail(`its split.count is ${String(count).slice(0, 40)}, expected 1 to ${MAX_SHARDS}`);
  }
  const suffix = (part: number): string => `-${pad(part)}-of-${pad(count)}.gguf`;
  if (metadata['split.no'] !== 0 || !first.endsWith(suffix(1))) {
    throw fail(`it is one of ${count} parts and not the first, which is named ...${suffix(1)}`);
  }
  const stem = first.slice(0, -suffix(1).length);
  return Array.from({ length: count - 1 }, (_, i) => stem + suffix(i + 2));
}

function pad(number: number): string {
  return String(number).padStart(5, '0');
}

function checkUnique(tensors: Parts['tensors']): void {
  const seen = new Map<string, string>();
  for (const [{ path }, { name }] of tensors) {
    const other = seen.get(name);
    if (other) {
      throw new OssiaError('checkpoint/bad-header', `Cannot use ${path}: tensor ${show(name)} is also in ${other}`);
    }
    seen.set(name, path);
  }
  if (tensors.length > MAX_TENSORS) {
    throw new OssiaError(
      'checkpoint/too-large',
      `Cannot use ${tensors[0]![0].path}: its parts hold ${tensors.length} tensors`,
    );
  }
}
