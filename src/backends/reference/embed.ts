import type { ReferenceWeight } from './weight.ts';

/** Rows of the table. table [vocab, hidden], out [tokens, hidden] */
export function embed(table: ReferenceWeight, ids: Int32Array, out: Float32Array): void {
  const { cols } = table;
  ids.forEach((id, token) => {
    table.readRow(0, id, out.subarray(token * cols, (token + 1) * cols));
  });
}
