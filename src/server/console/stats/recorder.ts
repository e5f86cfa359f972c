import type { TurnObserver } from '../../../api/index.ts';
import type { ChatEvent } from '../../../chat/index.ts';
import type { EngineStats } from '../../../engine/index.ts';
import type { AccessRecord } from '../../http/access.ts';
import type { ModelStats } from '../../metrics/index.ts';
import { type Gauges, NO_GAUGES, Tally } from './tally.ts';

type Totals = Readonly<Record<'prompt' | 'output' | 'queried' | 'hit', number>>;

/** Takes notes between two samples: of turns, of requests, and of what engines have done since. */
export class StatsRecorder {
  #tally = new Tally();
  #totals = new Map<string, Totals>();
  #begun = performance.now();

  /** Told of every turn, as the histograms of /metrics are. */
  readonly turns: TurnObserver = {
    begin: () => {
      const started = performance.now();
      let last: number | undefined;
      return {
        event: (event: ChatEvent) => {
          const now = performance.now();
          if (event.type === 'reasoning' || event.type === 'text' || event.type === 'tool_call_delta') {
            if (last === undefined) this.#tally.firstTokenMs.add(now - started);
            else this.#tally.tokenGapMs.add(now - last);
            last = now;
          } else if (event.type === 'end') this.#tally.requestMs.add(now - started);
        },
        fail: () => {},
      };
    },
  };

  /** Requests that read (probes, pages, the dashboard itself) are none that the server has work with. */
  request({ method, status, turn }: AccessRecord): void {
    if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return;
    this.#tally.requests++;
    if (status >= 500 || turn?.finish === 'error') this.#tally.errors++;
  }

  /** Ends the stretch of time and begins the next. */
  take(engines: readonly ModelStats[]): Tally {
    const now = performance.now();
    const tally = this.#tally;
    tally.seconds = (now - this.#begun) / 1000;
    tally.gauges = gaugesOf(engines);
    const totals = new Map(engines.map(({ name, stats }) => [name, totalsOf(stats)]));
    for (const [name, total] of totals) {
      const before = this.#totals.get(name);
      tally.promptTokens += since(total.prompt, before?.prompt);
      tally.outputTokens += since(total.output, before?.output);
      tally.queried += since(total.queried, before?.queried);
      tally.hit += since(total.hit, before?.hit);
    }
    this.#totals = totals;
    this.#tally = new Tally();
    this.#begun = now;
    return tally;
  }
}

/** A model that was loaded again counts from 0. */
function since(total: number, before = 0): number {
  return total >= before ? total - before : total;
}

function totalsOf({ prefillTokens, decodeTokens, forcedTokens, prefixCache }: EngineStats): Totals {
  return {
    prompt: prefillTokens,
    output: decodeTokens + forcedTokens,
    queried: prefixCache.queriedTokens,
    hit: prefixCache.hitTokens,
  };
}

function gaugesOf(engines: readonly ModelStats[]): Gauges {
  const sum: { -readonly [K in keyof Gauges]: number } = { ...NO_GAUGES, residentBytes: process.memoryUsage.rss() };
  for (const { stats } of engines) {
    sum.running += stats.running;
    sum.waiting += stats.waiting;
    sum.batchSize += stats.running > 0 ? stats.batchSize.last : 0;
    sum.kvBytesUsed += stats.kvBytesUsed;
    sum.kvBytesCapacity += stats.kvBytesCapacity;
  }
  return sum;
}
