import { batch, signal } from '@preact/signals';
import { Ring } from '../charts/series.ts';
import { ApiError, call, json } from '../net/api.ts';
import { readEvents } from '../net/sse.ts';
import type { ConsoleError, Stats, StatsSample } from '../net/types.ts';
import { capacityOf, type Range, ranges, retryAfter } from './ranges.ts';

export type Connection = 'connecting' | 'live' | 'lost';

/** The server's numbers: seconds as they come, and longer times as it has thinned them. */
export class Feed {
  readonly range = signal<Range>(ranges[0]);
  readonly samples = signal<readonly StatsSample[]>([]);
  /** The last of the seconds, whatever the range. */
  readonly latest = signal<StatsSample | undefined>(undefined);
  readonly connection = signal<Connection>('connecting');
  readonly problem = signal<ConsoleError | undefined>(undefined);
  /** Unix ms of the server's start. */
  readonly started = signal<number | undefined>(undefined);
  #ring = new Ring<StatsSample>(capacityOf(ranges[0]));
  /** From when on history is asked for; 0: all of the range. */
  #since = 0;
  /** The server's clock less this machine's, ms. */
  #skew = 0;
  #last: StatsSample | undefined;
  #frame = 0;
  #stop = new AbortController();
  #rangeStop = new AbortController();

  start(): void {
    this.#stop = new AbortController();
    void this.#listen(this.#stop.signal);
    this.show(this.range.peek());
  }

  stop(): void {
    this.#stop.abort();
    this.#rangeStop.abort();
  }

  show(range: Range): void {
    this.#rangeStop.abort();
    this.#rangeStop = new AbortController();
    this.#ring = new Ring(capacityOf(range));
    this.#since = 0;
    batch(() => {
      this.range.value = range;
      this.samples.value = [];
    });
    void this.#follow(range, this.#rangeStop.signal);
  }

  /** History once; what is thinned is asked for again whenever a sample of it is due. */
  async #follow(range: Range, stop: AbortSignal): Promise<void> {
    let failures = 0;
    while (!stop.aborted) {
      try {
        await this.#read(range, stop);
        failures = 0;
        if (range.step === 1) return;
      } catch (problem) {
        if (stop.aborted) return;
        failures++;
        this.#fail(problem);
      }
      await pause(failures > 0 ? retryAfter(failures) : range.step * 1000, stop);
    }
  }

  async #read(range: Range, stop: AbortSignal): Promise<void> {
    const since = Math.floor(Math.max(this.#since, Date.now() + this.#skew - range.spanMs));
    const stats = await json<Stats>(`ossia/stats?since=${since}&step=${range.step}`, { signal: stop });
    if (stop.aborted) return;
    const skew = stats.now - Date.now();
    const wasWrong = Math.abs(skew - this.#skew) > 2000;
    this.#skew = skew;
    if (wasWrong) return await this.#read(range, stop);
    this.#ring.merge(stats.samples); // seconds may have come while it was on its way
    this.#since = this.#ring.last?.at ?? 0;
    batch(() => {
      this.started.value = stats.started;
      this.problem.value = undefined;
      this.samples.value = this.#ring.items;
    });
  }

  /** The stream of seconds, opened anew whenever it breaks. */
  async #listen(stop: AbortSignal): Promise<void> {
    let failures = 0;
    while (!stop.aborted) {
      try {
        const response = await call('ossia/stats/live', { signal: stop });
        for await (const sample of readEvents<StatsSample>(response)) {
          failures = 0;
          this.#take(sample);
        }
        failures++;
      } catch (problem) {
        if (stop.aborted) return;
        failures++;
        this.#fail(problem);
      }
      cancelAnimationFrame(this.#frame);
      if (this.#frame) this.#show();
      this.connection.value = 'lost';
      await pause(retryAfter(failures), stop);
      if (!stop.aborted && this.range.peek().step === 1)
        void this.#read(this.range.peek(), stop).catch(() => undefined);
    }
  }

  #take(sample: StatsSample): void {
    this.#last = sample;
    if (this.range.peek().step === 1) this.#ring.push(sample);
    this.#frame ||= requestAnimationFrame(() => this.#show());
  }

  /** At most once for each picture on the screen; never in a tab that nobody sees. */
  #show(): void {
    this.#frame = 0;
    batch(() => {
      this.connection.value = 'live';
      this.problem.value = undefined;
      this.latest.value = this.#last;
      if (this.range.peek().step === 1) this.samples.value = this.#ring.items;
    });
  }

  #fail(problem: unknown): void {
    this.problem.value =
      problem instanceof ApiError
        ? problem.plain
        : { code: 'console/unreachable', message: 'The server’s numbers broke off', next: 'They are asked for again' };
  }
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    }
    stop.addEventListener('abort', done);
  });
}
