import type { RowPairs } from './linear.ts';
import type { Rows } from './weight.ts';

/** Which rows of a matrix a panel holds. */
interface Panel {
  readonly first: number;
  readonly count: number;
  readonly cols: number;
}

/**
 * out[row] = Σ x[c] · w[row][c] + bias[row], summed over c in order, in f64, rounded once.
 *
 * Four rows by two inputs at a time share their loads; every sum runs over the same terms in the same order however
 * the tiles fall, so a result does not depend on its neighbours.
 */
export function multiply(pairs: RowPairs, weight: Rows, panel: Panel, bias: Rows | undefined): void {
  const { xAt, outAt, out } = pairs;
  const sums = new Float64Array(8);
  for (let row = 0; row < panel.count; row += 4) {
    const rows = Math.min(4, panel.count - row);
    const at = weight.offset + row * panel.cols;
    for (let i = 0; i < xAt.length; i += 2) {
      const two = i + 1 < xAt.length;
      if (rows < 4) {
        for (let r = 0; r < rows; r++) {
          sums[r] = dot(pairs.x, xAt[i]!, weight.values, at + r * panel.cols, panel.cols);
          if (two) sums[4 + r] = dot(pairs.x, xAt[i + 1]!, weight.values, at + r * panel.cols, panel.cols);
        }
      } else if (two) {
        dotTile(pairs.x, xAt[i]!, xAt[i + 1]!, weight.values, at, panel.cols, sums);
      } else {
        dotRows(pairs.x, xAt[i]!, weight.values, at, panel.cols, sums);
      }
      for (let r = 0; r < rows; r++) {
        const offset = panel.first + row + r;
        const added = bias ? bias.values[bias.offset + offset]! : 0;
        out[outAt[i]! + offset] = sums[r]! + added;
        if (two) out[outAt[i + 1]! + offset] = sums[4 + r]! + added;
      }
    }
  }
}

function dot(x: Float32Array, xAt: number, w: Float32Array, wAt: number, cols: number): number {
  let sum = 0;
  for (let c = 0; c < cols; c++) sum += x[xAt + c]! * w[wAt + c]!;
  return sum;
}

/** One input with four rows. */
function dotRows(x: Float32Array, xAt: number, w: Float32Array, wAt: number, cols: number, sums: Float64Array): void {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let c = 0; c < cols; c++) {
    const a = x[xAt + c]!;
    s0 += a * w[wAt + c]!;
    s1 += a * w[wAt + cols + c]!;
    s2 += a * w[wAt + 2 * cols + c]!;
    s3 += a * w[wAt + 3 * cols + c]!;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

/** Two inputs with four rows: sums 0 … 3 are the first input's. */
function dotTile(
  x: Float32Array,
  firstAt: number,
  secondAt: number,
  w: Float32Array,
  wAt: number,
  cols: number,
  sums: Float64Array,
): void {
  let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let c = 0; c < cols; c++) {
    const a = x[firstAt + c]!;
    const b = x[secondAt + c]!;
    const w0 = w[wAt + c]!;
    const w1 = w[wAt + cols + c]!;
    const w2 = w[wAt + 2 * cols + c]!;
    const w3 = w[wAt + 3 * cols + c]!;
    s0 += a * w0;
    s1 += a * w1;
    s2 += a * w2;
    s3 += a * w3;
    s4 += b * w0;
    s5 += b * w1;
    s6 += b * w2;
    s7 += b * w3;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
  sums[4] = s4;
  sums[5] = s5;
  sums[6] = s6;
  sums[7] = s7;
}
