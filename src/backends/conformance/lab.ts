import type { DType } from '../../tensor/index.ts';
import type { Backend, Step, Tensor, Weight } from '../backend.ts';
import { fromValues, type Known } from './weights.ts';

/** What the number formats of a backend cost; every bound of a case is derived from these. */
export interface Tolerances {
  /** `f64`: sums are rounded once, to f32. `f32`: every partial sum is rounded. */
  readonly sums: 'f64' | 'f32';
  /** Whether activations are rounded to 127ths of the largest of 32 neighbours before they meet 8- and 4-bit weights. */
  readonly int8Activations: boolean;
  /** Relative rounding of keys and values: 0 for f32, 2^-11 for f16. */
  readonly kvRounding: number;
}

/** Half a unit in the last place of an f32, relative. */
export const ULP = 2 ** -24;

/** What must come out, and how far each element may be off. */
export interface Expected {
  readonly values: Float64Array;
  readonly allowed: Float64Array;
}

/** One backend, opened for one case. */
export class Lab {
  readonly backend: Backend;
  readonly tolerances: Tolerances;

  constructor(backend: Backend, tolerances: Tolerances) {
    this.backend = backend;
    this.tolerances = tolerances;
  }

  upload({ tensor }: Known): Weight {
    return this.backend.upload(tensor);
  }

  vector(values: ArrayLike<number>, dtype: 'f32' | 'f16' | 'bf16' = 'f32'): Weight {
    return this.upload(fromValues(dtype, [values.length], values));
  }

  /** Activations with given values: rows of an f32 table. */
  activations(step: Step, values: Float32Array, cols: number): Tensor {
    const rows = values.length / cols;
    const table = rows === 0 ? new Float32Array(cols) : values;
    const ids = Int32Array.from({ length: rows }, (_, row) => row);
    return step.embed(this.upload(fromValues('f32', [table.length / cols, cols], table)), ids);
  }

  /** How far a sum of `terms` products may be off, whose magnitudes add to `magnitude`. */
  sumError(terms: number, magnitude: number, result: number): number {
    return this.tolerances.sums === 'f64' ? 2 * ULP * Math.abs(result) : (terms + 2) * ULP * magnitude;
  }

  /** How far a chain of `count` f32 operations may be off, relative to the result. */
  chain(count: number, result: number): number {
    return (this.tolerances.sums === 'f64' ? 2 : count + 2) * ULP * Math.abs(result);
  }

  /** How far x · w + bias may be off for a row of a weight of this dtype. */
  dotError(dtype: DType, x: Float32Array, w: Float64Array, bias: number): number {
    const magnitude = w.reduce((sum, weight, c) => sum + Math.abs(weight * x[c]!), Math.abs(bias));
    const result = w.reduce((sum, weight, c) => sum + weight * x[c]!, bias);
    const rounding = this.sumError(x.length, magnitude, result);
    const coded = dtype === 'q8' || dtype === 'q8_0' || dtype === 'mxfp4';
    return coded && this.tolerances.int8Activations ? 1.001 * (rounding + codeError(x, w)) : rounding;
  }
}

/** What rounding x to 127ths of each block's largest may change in x · w: half a step for each column. */
function codeError(x: ArrayLike<number>, w: ArrayLike<number>): number {
  let error = 0;
  for (let block = 0; block < x.length; block += 32) {
    let [largest, weights] = [0, 0];
    for (let c = block; c < Math.min(block + 32, x.length); c++) {
      largest = Math.max(largest, Math.abs(x[c]!));
      weights += Math.abs(w[c]!);
    }
    error += (largest / 254) * weights;
  }
  return error;
}

/** Fails with the first element that is out of bounds. */
export function assertClose(what: string, found: Float32Array | undefined, { values, allowed }: Expected): void {
  if (found?.length !== values.length)
    throw new Error(`${what}: expected ${values.length} values, got ${found?.length}`);
  values.forEach((value, i) => {
    const error = Math.abs(found[i]! - value);
    if (error <= allowed[i]! + Number.MIN_VALUE) return; // false for NaN
    throw new Error(`${what}: element ${i} is ${found[i]}, expected ${value} ± ${allowed[i]}`);
  });
}

/** Fails unless every element is the very number. */
export function assertExact(what: string, found: Float32Array | undefined, expected: ArrayLike<number>): void {
  assertClose(what, found, { values: Float64Array.from(expected), allowed: new Float64Array(expected.length) });
}

/** Fails unless `action` throws or rejects with an error of this code. */
export async function assertRefused(code: string, message: RegExp, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const found = error as { code?: string; message?: string };
    if (found.code === code && message.test(found.message ?? '')) return;
    throw new Error(`expected ${code} ${message}, got ${found.code}: ${found.message}`, { cause: error });
  }
  throw new Error(`expected ${code}, but nothing was refused`);
}
