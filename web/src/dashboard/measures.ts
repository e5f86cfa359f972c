import { csv } from '../charts/csv.ts';
import type { Point } from '../charts/series.ts';
import type { Percentiles, StatsSample } from '../net/types.ts';

export function pointsOf(
  samples: readonly StatsSample[],
  read: (sample: StatsSample) => number | null,
): readonly Point[] {
  return samples.map((sample) => ({ at: sample.at, value: read(sample) }));
}

export type Latency = 'firstTokenMs' | 'tokenGapMs' | 'requestMs';

/** The newest that was measured in these samples; null: nothing was. */
export function lastLatency(samples: readonly StatsSample[], latency: Latency): Percentiles | null {
  return samples.findLast((sample) => sample[latency] !== null)?.[latency] ?? null;
}

/** Nothing runs, waits or was computed. */
export function isIdle(sample: StatsSample): boolean {
  return (
    sample.running === 0 &&
    sample.waiting === 0 &&
    sample.promptTokensPerSecond === 0 &&
    sample.outputTokensPerSecond === 0 &&
    sample.requestsPerSecond === 0
  );
}

/** When something last happened, unix ms; undefined: not in these samples. */
export function lastBusy(samples: readonly StatsSample[]): number | undefined {
  return samples.findLast((sample) => !isIdle(sample))?.at;
}

/** Mean of the samples in which prompts were looked up; null: there were none. */
export function meanHitRate(samples: readonly StatsSample[]): number | null {
  const rates = samples.flatMap(({ cacheHitRate }) => (cacheHitRate === null ? [] : [cacheHitRate]));
  return rates.length === 0 ? null : rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
}

/** How many, in all the samples' time. */
export function totalOf(
  samples: readonly StatsSample[],
  rateOf: (sample: StatsSample) => number,
  step: number,
): number {
  return Math.round(samples.reduce((sum, sample) => sum + rateOf(sample) * step, 0));
}

const plain = [
  'promptTokensPerSecond',
  'outputTokensPerSecond',
  'requestsPerSecond',
  'errorsPerSecond',
  'running',
  'waiting',
  'batchSize',
  'cacheHitRate',
  'kvBytesUsed',
  'kvBytesCapacity',
  'residentBytes',
] as const satisfies readonly (keyof StatsSample)[];
const latencies = ['firstTokenMs', 'tokenGapMs', 'requestMs'] as const;
const ranks = ['p50', 'p95', 'p99'] as const;

/** A row for each sample. */
export function statsCsv(samples: readonly StatsSample[]): string {
  const header = ['time', ...plain, ...latencies.flatMap((latency) => ranks.map((rank) => `${latency}_${rank}`))];
  const rows = samples.map((sample) => [
    new Date(sample.at).toISOString(),
    ...plain.map((name) => sample[name]),
    ...latencies.flatMap((latency) => ranks.map((rank) => sample[latency]?.[rank])),
  ]);
  return csv(header, rows);
}
