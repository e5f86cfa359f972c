/** What several runs of one measurement amount to. */
export interface Summary {
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly count: number;
}

/** Of an even number of values, the median is the mean of the two in the middle. */
export function summarise(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('Expected at least one value');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { min: sorted[0]!, median, max: sorted.at(-1)!, count: sorted.length };
}

/**
 * Tokens in a second of streams that run together, while all of them run: from the moment at which the last one has its first
 * token until the first one has its last.
 *
 * arrivals  [streams][tokens] milliseconds
 */
export function decodeRate(arrivals: readonly (readonly number[])[]): number {
  const from = Math.max(...arrivals.map((times) => times[0]!));
  const to = Math.min(...arrivals.map((times) => times.at(-1)!));
  if (!(to > from)) throw new RangeError('Expected streams that overlap, each of two tokens or more');
  const tokens = arrivals.flat().filter((time) => time > from && time <= to).length;
  return (tokens / (to - from)) * 1000;
}
