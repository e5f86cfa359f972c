import { useMemo } from 'preact/hooks';
import { Chart, type Series } from '../charts/chart.tsx';
import { bytes, duration, percent, threeDigits } from '../charts/format.ts';
import { byteTicks } from '../charts/ticks.ts';
import type { StatsSample } from '../net/types.ts';
import { type Latency, pointsOf } from './measures.ts';
import type { Range } from './ranges.ts';

export interface ChartsProps {
  readonly samples: readonly StatsSample[];
  readonly range: Range;
  readonly from: number;
  readonly to: number;
}

const rate = (value: number) => `${threeDigits(value)}/s`;
const ofOne = (): readonly number[] => [0, 0.5, 1];

export function Charts({ samples, range, from, to }: ChartsProps) {
  const all = useMemo(() => seriesOf(samples), [samples]);
  const frame = { from, to, reach: range.step * 3500, nothing: `No request in ${range.name}` };
  const capacity = samples.at(-1)?.kvBytesCapacity ?? 0;
  return (
    <div class="chart-grid">
      <Chart {...frame} title="Tokens per second" series={all.throughput} format={threeDigits} />
      <Chart {...frame} title="Turns at work" series={all.turns} format={threeDigits} />
      <Chart {...frame} title="Time to the first token" series={all.firstToken} format={duration} />
      <Chart {...frame} title="Time between tokens" series={all.tokenGap} format={duration} />
      <Chart {...frame} title="Time of a request" series={all.request} format={duration} />
      <Chart {...frame} title="Requests and errors" series={all.requests} format={rate} />
      <Chart {...frame} title="Prompt tokens from the cache" series={all.hits} format={percent} ticks={ofOne} />
      <Chart
        {...frame}
        title="KV cache"
        series={all.kv}
        format={bytes}
        ticks={byteTicks}
        {...(capacity > 0 ? { limit: { name: 'all there is', value: capacity } } : {})}
      />
      <Chart {...frame} title="Memory of the server" series={all.resident} format={bytes} ticks={byteTicks} />
    </div>
  );
}

function seriesOf(samples: readonly StatsSample[]) {
  const series = (
    name: string,
    look: Series['look'],
    read: (sample: StatsSample) => number | null,
    filled = false,
  ) => ({
    name,
    look,
    filled,
    points: pointsOf(samples, read),
  });
  const percentiles = (latency: Latency): readonly Series[] => [
    series('median', 1, (sample) => sample[latency]?.p50 ?? null),
    series('95 %', 2, (sample) => sample[latency]?.p95 ?? null),
    series('99 %', 3, (sample) => sample[latency]?.p99 ?? null),
  ];
  return {
    throughput: [
      series('output', 1, (sample) => sample.outputTokensPerSecond, true),
      series('prompt', 2, (sample) => sample.promptTokensPerSecond),
    ],
    turns: [
      series('running', 1, (sample) => sample.running, true),
      series('waiting', 2, (sample) => sample.waiting),
      series('batch', 3, (sample) => sample.batchSize),
    ],
    firstToken: percentiles('firstTokenMs'),
    tokenGap: percentiles('tokenGapMs'),
    request: percentiles('requestMs'),
    requests: [
      series('requests', 1, (sample) => sample.requestsPerSecond, true),
      series('errors', 4, (sample) => sample.errorsPerSecond),
    ],
    hits: [series('from the cache', 1, (sample) => sample.cacheHitRate)],
    kv: [series('used', 1, (sample) => sample.kvBytesUsed, true)],
    resident: [series('resident', 1, (sample) => sample.residentBytes, true)],
  };
}
