/** Steps of so many ids are told apart. */
const MAX_IDS = 16;
/** Times that are kept of each, and how many are needed to count. */
const [KEPT, NEEDED] = [9, 3];
/** After so many other steps, times are too old: the text is longer, the machine busier. */
const STALE_STEPS = 512;
/**
 * What one more id adds to a step, relative to a step of one: until it is measured, what a mixture of experts reads for it at
 * most. Four ids of gpt-oss-20b ask 13 of 32 experts instead of 4, and read 2.1 times the bytes.
 */
const PRIOR_SLOPE = 0.37;

interface Series {
  readonly times: number[];
  median: number;
  /** Number of the step that came last. */
  last: number;
}

/** What steps of one sequence take, by how many ids they compute. */
export class StepCosts {
  readonly #series: Series[] = Array.from({ length: MAX_IDS + 1 }, () => ({ times: [], median: 0, last: 0 }));
  #steps = 0;

  add(ids: number, ms: number): void {
    const series = this.#series[ids];
    this.#steps++;
    if (!series) return;
    series.times.push(ms);
    if (series.times.length > KEPT) series.times.shift();
    series.median = [...series.times].sort((a, b) => a - b)[series.times.length >> 1]!;
    series.last = this.#steps;
  }

  /** How many times as long a step of `to` ids takes as one of `from`. */
  ratio(from: number, to: number): number {
    const [base, measured] = [this.#median(from), this.#median(to)];
    if (base !== undefined && measured !== undefined) return Math.max(1, measured / base);
    const slope = this.#slope();
    return (1 + slope * (to - 1)) / (1 + slope * (from - 1));
  }

  /** What one more id adds, by the longest step that was measured. */
  #slope(): number {
    const one = this.#median(1);
    for (let ids = MAX_IDS; one !== undefined && ids > 1; ids--) {
      const many = this.#median(ids);
      if (many !== undefined) return Math.max(0, (many / one - 1) / (ids - 1));
    }
    return PRIOR_SLOPE;
  }

  #median(ids: number): number | undefined {
    const series = this.#series[ids];
    if (!series || series.times.length < NEEDED || this.#steps - series.last > STALE_STEPS) return undefined;
    return series.median;
  }
}
