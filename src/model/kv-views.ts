import type { KvView } from '../backends/index.ts';
import { HOLE } from './block-pool.ts';
import type { Sequence } from './kvcache.ts';

/** Where `counts[i]` new tokens at the end of each sequence stand, for the full and the sliding layers. */
export function kvViews(sequences: readonly Sequence[], counts: readonly number[]): { full: KvView; sliding: KvView } {
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  const positions = new Int32Array(tokens);
  const rows = new Int32Array(tokens);
  let token = 0;
  sequences.forEach((sequence, row) => {
    for (let position = sequence.length - counts[row]!; position < sequence.length; position++, token++) {
      positions[token] = position;
      rows[token] = row;
    }
  });
  const tableWidth = Math.max(1, ...sequences.map((sequence) => sequence.tables.full.length));
  const view = (kind: 'full' | 'sliding'): KvView => {
    const tables = new Int32Array(sequences.length * tableWidth).fill(HOLE);
    sequences.forEach((sequence, row) => {
      tables.set(sequence.tables[kind], row * tableWidth);
    });
    return { positions, sequences: rows, tables, tableWidth };
  };
  return { full: view('full'), sliding: view('sliding') };
}

/** The same view for some of its tokens. */
export function pickTokens(view: KvView, tokens: Int32Array): KvView {
  return {
    ...view,
    positions: tokens.map((token) => view.positions[token]!),
    sequences: tokens.map((token) => view.sequences[token]!),
  };
}
