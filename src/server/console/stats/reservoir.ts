import type { Percentiles } from '../../../api/index.ts';

/** A fair choice of at most so many of the values that came: percentiles of many more, in bounded memory. */
export class Reservoir {
  readonly #size: number;
  readonly #values: number[] = [];
  #count = 0;

  constructor(size: number) {
    this.#size = size;
  }

  add(value: number): void {
    this.#count++;
    if (this.#values.length < this.#size) this.#values.push(value);
    else {
      const at = Math.floor(Math.random() * this.#count);
      if (at < this.#size) this.#values[at] = value;
    }
  }

  addAll({ values }: Reservoir): void {
    for (const value of values) this.add(value);
  }

  get values(): readonly number[] {
    return this.#values;
  }

  /** By nearest rank; null where there is no value. */
  get percentiles(): Percentiles | null {
    if (this.#values.length === 0) return null;
    const sorted = Float64Array.from(this.#values).sort();
    const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}
