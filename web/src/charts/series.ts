/** A value at a time; null where there was nothing to measure. */
export interface Point {
  readonly at: number;
  readonly value: number | null;
}

/** Samples in the order of time, the oldest going when there is no place: what is left open for a day does not grow. */
export class Ring<T extends { readonly at: number }> {
  readonly capacity: number;
  #items: T[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Takes what is newer than the last; the rest is known. Tells whether anything was. */
  push(...samples: readonly T[]): boolean {
    let last = this.last?.at ?? Number.NEGATIVE_INFINITY;
    const newer = samples.filter(({ at }) => {
      const isNewer = at > last;
      if (isNewer) last = at;
      return isNewer;
    });
    if (newer.length === 0) return false;
    this.#items = [...this.#items, ...newer].slice(-this.capacity);
    return true;
  }

  /** Takes what is missing, older samples too. */
  merge(samples: readonly T[]): void {
    const byTime = new Map([...samples, ...this.#items].map((sample) => [sample.at, sample]));
    this.#items = [...byTime.values()].sort((a, b) => a.at - b.at).slice(-this.capacity);
  }

  get last(): T | undefined {
    return this.#items.at(-1);
  }

  /** A list that stays as it is. */
  get items(): readonly T[] {
    return this.#items;
  }
}

/** What a column of the picture shows of its points: their mean, and how far they go. */
export interface Condensed {
  readonly at: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A stroke in at most so many columns; points that are fewer stay as they are. */
export function condense(
  stroke: readonly { readonly at: number; readonly value: number }[],
  from: number,
  to: number,
  columns: number,
): readonly Condensed[] {
  const inside = stroke.filter(({ at }) => at >= from && at <= to);
  if (inside.length <= columns) return inside.map(({ at, value }) => ({ at, value, low: value, high: value }));
  const found: Condensed[] = [];
  for (let start = 0; start < inside.length; ) {
    const column = columnOf(inside[start]!.at, from, to, columns);
    let end = start;
    while (end < inside.length && columnOf(inside[end]!.at, from, to, columns) === column) end++;
    found.push(together(inside.slice(start, end)));
    start = end;
  }
  return found;
}

function columnOf(at: number, from: number, to: number, columns: number): number {
  return Math.min(columns - 1, Math.floor(((at - from) / (to - from)) * columns));
}

function together(points: readonly { readonly at: number; readonly value: number }[]): Condensed {
  const mean = (read: (point: { at: number; value: number }) => number) =>
    points.reduce((sum, point) => sum + read(point), 0) / points.length;
  const values = points.map(({ value }) => value);
  return {
    at: mean(({ at }) => at),
    value: mean(({ value }) => value),
    low: Math.min(...values),
    high: Math.max(...values),
  };
}

/** Runs of points with values, none further from the next than `reach` ms: what one stroke of the pen draws. */
export function strokes(
  points: readonly Point[],
  reach: number,
): readonly (readonly { at: number; value: number }[])[] {
  const all: { at: number; value: number }[][] = [];
  let current: { at: number; value: number }[] | undefined;
  for (const { at, value } of points) {
    if (value === null) {
      current = undefined;
      continue;
    }
    const before = current?.at(-1);
    if (!current || !before || at - before.at > reach) {
      current = [];
      all.push(current);
    }
    current.push({ at, value });
  }
  return all;
}

export interface Summary {
  readonly last: number | null;
  readonly mean: number | null;
  readonly highest: number | null;
}

/** What a chart says in words. `last` is the newest value there is. */
export function summarize(points: readonly Point[]): Summary {
  let sum = 0;
  let number = 0;
  let highest: number | null = null;
  let last: number | null = null;
  for (const { value } of points) {
    if (value === null) continue;
    sum += value;
    number++;
    last = value;
    highest = highest === null ? value : Math.max(highest, value);
  }
  return { last, mean: number === 0 ? null : sum / number, highest };
}

/** The point nearest in time; undefined when there is none. Points are in the order of time. */
export function nearest<T extends { readonly at: number }>(points: readonly T[], at: number): T | undefined {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle]!.at < at) low = middle + 1;
    else high = middle;
  }
  const after = points[low];
  const before = points[low - 1];
  if (!after || !before) return after ?? before;
  return at - before.at <= after.at - at ? before : after;
}
