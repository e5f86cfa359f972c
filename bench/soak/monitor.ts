import { summarise } from '../speed/statistics.ts';

/** What the server was like at one moment. */
export interface Sample {
  readonly seconds: number;
  /** Bytes of memory that are not mapped files. */
  readonly own: number;
  readonly resident: number;
  readonly running: number;
  readonly waiting: number;
}

/** The values of /metrics by name, all label sets of a name together. */
export function readMetrics(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? ([-+.\deE]+|NaN|[+-]Inf)(?: \d+)?$/.exec(line) ?? [];
    if (name !== undefined) values.set(name, (values.get(name) ?? 0) + Number(value));
  }
  return values;
}

/** How memory went: medians of the first and of the last third, after the warm-up. */
export interface Trend {
  readonly first: number;
  readonly last: number;
  /** What the last may be above the first. */
  readonly allowed: number;
  readonly flat: boolean;
  readonly samples: number;
}

/** Heaps and pools grow to the size that the load needs: so long, and for this share of the time. */
const WARM_UP_SECONDS = 90;
const WARM_UP_SHARE = 0.25;
/** Garbage that was not collected yet, and pages that the allocator keeps. */
const SLACK_SHARE = 0.1;
const SLACK_BYTES = 24 << 20;

/** Undefined with too few samples to tell. */
export function trendOf(samples: readonly Pick<Sample, 'own' | 'seconds'>[]): Trend | undefined {
  const warm = Math.max(WARM_UP_SECONDS, WARM_UP_SHARE * (samples.at(-1)?.seconds ?? 0));
  const settled = samples.filter(({ seconds }) => seconds >= warm);
  const third = Math.floor(settled.length / 3);
  if (third < 3) return undefined;
  const median = (part: readonly Pick<Sample, 'own'>[]) => summarise(part.map(({ own }) => own)).median;
  const [first, last] = [median(settled.slice(0, third)), median(settled.slice(-third))];
  const allowed = Math.max(SLACK_BYTES, first * SLACK_SHARE);
  return { first, last, allowed, flat: last - first <= allowed, samples: settled.length };
}
