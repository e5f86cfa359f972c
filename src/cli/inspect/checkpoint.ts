import type { Command } from 'commander';
import { type Checkpoint, openCheckpoint } from '../../index.ts';
import type { Context } from '../context.ts';
import { locateModel } from '../locate.ts';

/** Longer lists, such as a GGUF vocabulary, are shown by their length. */
const LONGEST_LIST = 256;

export function addCheckpoint(inspect: Command, context: Context): void {
  inspect
    .command('checkpoint')
    .description('→ {"path", "layout", "config", "generation_config", "tensors", "totals"}, one line a model')
    .argument('<models...>', 'paths or names')
    .action(async (names: readonly string[]) => {
      for (const name of names) {
        const { path } = await locateModel(context, name);
        const checkpoint = await openCheckpoint(path);
        context.terminal.out.line(JSON.stringify(describeCheckpoint(checkpoint)));
        checkpoint.close();
      }
    });
}

function describeCheckpoint({ path, layout, metadata, generation, files, tensors }: Checkpoint) {
  const all = [...tensors.values()];
  return {
    path,
    layout,
    config: shorten(metadata),
    generation_config: generation,
    tensors: all.map(({ name, dtype, shape, sizeBytes, file, offset }) => ({
      name,
      dtype,
      shape,
      bytes: sizeBytes,
      file,
      offset,
    })),
    totals: {
      tensors: all.length,
      bytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      dtypes: sumByDtype(all),
      files: files.map((file) => ({ path: file.path, bytes: file.sizeBytes })),
    },
  };
}

/** Counts and bytes per element type. */
export function sumByDtype(tensors: readonly { readonly dtype: string; readonly sizeBytes: number }[]) {
  const sums: Record<string, { tensors: number; bytes: number }> = {};
  for (const { dtype, sizeBytes } of tensors) {
    sums[dtype] ??= { tensors: 0, bytes: 0 };
    sums[dtype].tensors++;
    sums[dtype].bytes += sizeBytes;
  }
  return sums;
}

function shorten(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [key, isLong(value) ? { length: value.length } : value]),
  );
}

function isLong(value: unknown): value is { readonly length: number } {
  return (
    (Array.isArray(value) || ArrayBuffer.isView(value)) && 'length' in value && Number(value.length) > LONGEST_LIST
  );
}
