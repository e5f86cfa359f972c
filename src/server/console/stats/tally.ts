import type { StatsSample } from '../../../api/index.ts';
import { Reservoir } from './reservoir.ts';

/** Durations that are kept of one metric in one sample's time. */
const MAX_DURATIONS = 4096;

/** What is there at one moment. */
export type Gauges = Pick<
  StatsSample,
  'running' | 'waiting' | 'batchSize' | 'kvBytesUsed' | 'kvBytesCapacity' | 'residentBytes'
>;

export const NO_GAUGES = {
  running: 0,
  waiting: 0,
  batchSize: 0,
  kvBytesUsed: 0,
  kvBytesCapacity: 0,
  residentBytes: 0,
} as const satisfies Gauges;

/** What happened in a stretch of time. */
export class Tally {
  seconds = 0;
  promptTokens = 0;
  outputTokens = 0;
  requests = 0;
  errors = 0;
  /** Tokens of prompts that were looked up among kept prefixes, and those that were found. */
  queried = 0;
  hit = 0;
  gauges: Gauges = NO_GAUGES;
  readonly firstTokenMs = new Reservoir(MAX_DURATIONS);
  readonly tokenGapMs = new Reservoir(MAX_DURATIONS);
  readonly requestMs = new Reservoir(MAX_DURATIONS);

  /** Adds a stretch that follows this one. */
  add(next: Tally): void {
    for (const name of ['seconds', 'promptTokens', 'outputTokens', 'requests', 'errors', 'queried', 'hit'] as const) {
      this[name] += next[name];
    }
    for (const name of ['firstTokenMs', 'tokenGapMs', 'requestMs'] as const) this[name].addAll(next[name]);
    this.gauges = next.gauges;
  }

  /** `at`: its end, Unix ms. */
  sample(at: number): StatsSample {
    const rate = (count: number) => (this.seconds > 0 ? rounded(count / this.seconds) : 0);
    return {
      at,
      promptTokensPerSecond: rate(this.promptTokens),
      outputTokensPerSecond: rate(this.outputTokens),
      requestsPerSecond: rate(this.requests),
      errorsPerSecond: rate(this.errors),
      ...this.gauges,
      cacheHitRate: this.queried > 0 ? rounded(this.hit / this.queried) : null,
      firstTokenMs: roundedAll(this.firstTokenMs.percentiles),
      tokenGapMs: roundedAll(this.tokenGapMs.percentiles),
      requestMs: roundedAll(this.requestMs.percentiles),
    };
  }
}

function roundedAll(percentiles: StatsSample['requestMs']): StatsSample['requestMs'] {
  if (percentiles === null) return null;
  const { p50, p95, p99 } = percentiles;
  return { p50: rounded(p50), p95: rounded(p95), p99: rounded(p99) };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
