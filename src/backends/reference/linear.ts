import { multiply } from './multiply.ts';
import type { ReferenceWeight } from './weight.ts';

/** Rows of the weight that are widened at a time where the whole is too large to keep. */
const PANEL = 64;

/**
 * x · weightᵀ + bias. x [tokens, cols], weight [rows, cols], bias [rows], out [tokens, rows]
 */
export function linear(
  x: Float32Array,
  weight: ReferenceWeight,
  bias: ReferenceWeight | undefined,
  out: Float32Array,
): void {
  const { rows, cols } = weight;
  const tokens = Array.from({ length: x.length / cols }, (_, token) => token);
  const pairs = { x, xAt: tokens.map((token) => token * cols), out, outAt: tokens.map((token) => token * rows) };
  multiplyMatrix(pairs, weight, 0, bias && { values: bias.all(), offset: 0 });
}

/** Input rows and where their results go: `xAt[i]` and `outAt[i]` are offsets into `x` and `out`. */
export interface RowPairs {
  readonly x: Float32Array;
  readonly xAt: readonly number[];
  readonly out: Float32Array;
  readonly outAt: readonly number[];
}

/** Multiplies some rows with one whole matrix of a weight. */
export function multiplyMatrix(
  pairs: RowPairs,
  weight: ReferenceWeight,
  matrix: number,
  bias: { readonly values: Float32Array; readonly offset: number } | undefined,
): void {
  if (pairs.xAt.length === 0) return;
  for (let first = 0; first < weight.rows; first += PANEL) {
    const count = Math.min(PANEL, weight.rows - first);
    multiply(pairs, weight.read(matrix, first, count), { first, count, cols: weight.cols }, bias);
  }
}
