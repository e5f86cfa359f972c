import type { SseEvent, Stats, StatsSample } from '../../../api/index.ts';
import type { MeasuredHost } from '../../metrics/index.ts';
import type { StatsRecorder } from './recorder.ts';
import { Series } from './series.ts';

const SECOND_MS = 1000;
/** An hour of seconds, six of ten seconds, a day of minutes. */
const KEPT = { 1: 3600, 10: 2160, 60: 1440 } as const;

export type Step = keyof typeof KEPT;

/** Samples what the server does, once a second, for as long as it runs. */
export class StatsSampler {
  readonly #host: MeasuredHost;
  readonly #recorder: StatsRecorder;
  readonly #started = Date.now();
  readonly #series = Object.entries(KEPT).map(([step, capacity]) => ({
    step: Number(step),
    series: new Series(Number(step), capacity),
  }));
  readonly #timer: NodeJS.Timeout;
  /** Those who wait for the next sample. */
  #waiting: (() => void)[] = [];
  #last: StatsSample | undefined;
  #isSampling = false;
  #isClosed = false;

  constructor(host: MeasuredHost, recorder: StatsRecorder) {
    this.#host = host;
    this.#recorder = recorder;
    this.#timer = setInterval(() => void this.sample(), SECOND_MS);
    this.#timer.unref();
  }

  /** Takes a sample now: what the timer does. */
  async sample(): Promise<void> {
    if (this.#isSampling || this.#isClosed) return; // an engine that answers late makes a longer sample, not two
    this.#isSampling = true;
    try {
      const engines = (await this.#host.stats?.().catch(() => [])) ?? [];
      const [tally, now] = [this.#recorder.take(engines), Date.now()];
      for (const { series } of this.#series) series.add(tally, now);
      this.#last = tally.sample(now);
      this.#wake();
    } finally {
      this.#isSampling = false;
    }
  }

  stats(since: number, step: Step): Stats {
    const { series } = this.#series.find((one) => one.step === step)!;
    return { now: Date.now(), started: this.#started, samples: series.since(since) };
  }

  /** Every sample as it is taken, until the signal fires or the server ends. Who reads slowly misses some. */
  async *live(signal: AbortSignal): AsyncGenerator<SseEvent, void, undefined> {
    let told: StatsSample | undefined;
    const wake = () => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted && !this.#isClosed) {
        if (this.#last !== undefined && this.#last !== told) {
          told = this.#last;
          yield { data: told };
        } else await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
