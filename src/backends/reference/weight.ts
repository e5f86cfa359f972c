import { OssiaError } from '../../base/index.ts';
import { BLOCK, elementCount, type HostTensor, readRow } from '../../tensor/index.ts';
import type { Weight } from '../backend.ts';

/** A matrix below this is always kept widened: norms, biases and the like. */
const SMALL_BYTES = 1 << 18;

/** Rows of f32 values, `offset` elements into `values`. */
export interface Rows {
  readonly values: Float32Array;
  readonly offset: number;
}

/** How many bytes of widened weights may be kept. */
export class MemoryBudget {
  #left: number;
  readonly #total: number;
  readonly #kept = new Set<Map<number, Float32Array>>();

  constructor(bytes: number) {
    this.#left = bytes;
    this.#total = bytes;
  }

  /** Whether `bytes` more may be kept in `store`. */
  take(bytes: number, store: Map<number, Float32Array>): boolean {
    if (bytes > SMALL_BYTES && bytes > this.#left) return false;
    this.#left -= bytes;
    this.#kept.add(store);
    return true;
  }

  clear(): void {
    for (const store of this.#kept) store.clear();
    this.#kept.clear();
    this.#left = this.#total;
  }
}

/** A weight as one or more matrices [rows, cols]; a vector is a matrix of one row. */
export class ReferenceWeight implements Weight {
  readonly shape: readonly number[];
  readonly label: string;
  readonly rows: number;
  readonly cols: number;
  readonly #tensor: HostTensor;
  readonly #budget: MemoryBudget;
  readonly #widened = new Map<number, Float32Array>();

  constructor(tensor: HostTensor, budget: MemoryBudget) {
    this.shape = tensor.shape;
    this.label = tensor.label;
    this.cols = tensor.shape.at(-1)!;
    this.rows = tensor.shape.at(-2) ?? 1;
    this.#tensor = tensor;
    this.#budget = budget;
  }

  /** The whole of a vector, or of a small matrix, row-major. */
  all(): Float32Array {
    const { values, offset } = this.read(0, 0, this.rows);
    return values.subarray(offset, offset + elementCount(this.shape));
  }

  /** `count` rows of matrix `matrix`, from `first` on. */
  read(matrix: number, first: number, count: number): Rows {
    const whole = this.#whole(matrix);
    return whole
      ? { values: whole, offset: first * this.cols }
      : { values: this.#widen(matrix, first, count), offset: 0 };
  }

  /** One row, read as it lies: for tables of which a step needs few rows. */
  readRow(matrix: number, row: number, out: Float32Array): void {
    const index = [matrix, row].slice(3 - this.shape.length);
    this.#checkScales(index, matrix, row);
    readRow(this.#tensor, index, out);
  }

  /** The whole matrix, when there is room to keep it. */
  #whole(matrix: number): Float32Array | undefined {
    const known = this.#widened.get(matrix);
    if (known) return known;
    if (!this.#budget.take(this.rows * this.cols * 4, this.#widened)) return undefined;
    const values = this.#widen(matrix, 0, this.rows);
    this.#widened.set(matrix, values);
    return values;
  }

  #widen(matrix: number, first: number, count: number): Float32Array {
    const values = new Float32Array(count * this.cols);
    for (let row = 0; row < count; row++) {
      this.readRow(matrix, first + row, values.subarray(row * this.cols, (row + 1) * this.cols));
    }
    return values;
  }

  /** An E8M0 scale of 255 is NaN, which clamps further on would swallow. */
  #checkScales(index: readonly number[], matrix: number, row: number): void {
    const { scales } = this.#tensor;
    if (!scales) return;
    const start = index.reduce((at, i, axis) => at + i * scales.strides[axis]!, scales.offset);
    const step = scales.strides.at(-1)!;
    for (let block = 0; block < this.cols / BLOCK; block++) {
      if (scales.bytes[start + block * step] !== 255) continue;
      throw new OssiaError(
        'checkpoint/nan-scale',
        `Cannot use ${this.label}: the scale of expert ${matrix}, row ${row}, block ${block} is 255, which is NaN`,
        { details: { tensor: this.label, expert: matrix, row, block } },
      );
    }
  }
}
