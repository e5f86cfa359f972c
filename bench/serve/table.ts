import { table } from '../../src/cli/format.ts';
import type { Summary } from '../speed/statistics.ts';
import type { LoadResult, Percentiles } from './load.ts';

const HEADINGS = ['streams', 'requests', 'tokens/s', 'first token, ms', 'between tokens, ms', 'end to end, ms'];

/** A line for each number of streams; times as p50 / p95 / p99. */
export function formatLoads(results: readonly LoadResult[]): string {
  const rows = results.map((result) => [
    String(result.streams),
    String(result.requests),
    result.tokensPerSecond.toFixed(1),
    three(result.firstToken),
    three(result.betweenTokens),
    three(result.endToEnd),
  ]);
  return [
    ...table([HEADINGS, ...rows], [0, 1, 2, 3, 4, 5]),
    'times are p50 / p95 / p99; tokens/s are those of all streams together',
  ].join('\n');
}

/** What is measured besides. */
export interface Rows {
  readonly gap?: {
    readonly promptTokens: number;
    readonly alone: Percentiles & { readonly max: number };
    readonly beside: Percentiles & { readonly max: number; readonly tokens: number };
  };
  readonly overhead?: {
    readonly streams: number;
    readonly overHttp: Summary;
    readonly inLibrary: Summary;
    readonly overhead: number;
  };
  readonly cache?: {
    readonly promptTokens: number;
    readonly cachedTokens: number;
    readonly coldMs: number;
    readonly warmMs: number;
  };
  readonly memory: { readonly resident: number; readonly own: number } | undefined;
}

export function formatRows({ gap, overhead, cache, memory }: Rows): string {
  const rows: string[][] = [];
  if (gap) {
    const { promptTokens, alone, beside } = gap;
    rows.push(['a running stream, alone', `${ms(alone.max)} between tokens at most, ${ms(alone.p50)} in the median`]);
    const bound = `${ms(beside.max)} between tokens at most, ${ms(beside.p50)} in the median, of ${beside.tokens} tokens`;
    rows.push([`  while ${promptTokens} tokens of prompt arrive`, bound]);
  }
  if (overhead) {
    const { streams, overHttp, inLibrary } = overhead;
    rows.push([`${streams} streams over HTTP`, rate(overHttp)]);
    rows.push(['  the same in the library', rate(inLibrary)]);
    rows.push(['  HTTP and JSON cost', `${(overhead.overhead * 100).toFixed(1)} %`]);
  }
  if (cache) {
    const { promptTokens, cachedTokens, coldMs, warmMs } = cache;
    rows.push([`first token after ${promptTokens} tokens`, ms(coldMs)]);
    rows.push([`  of which ${cachedTokens} are kept`, ms(warmMs)]);
  }
  if (memory) {
    const size = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
    rows.push(['memory of the server', `${size(memory.resident)}, ${size(memory.own)} of it not mapped files`]);
  }
  return table(rows).join('\n');
}

function three({ p50, p95, p99 }: Percentiles): string {
  return [p50, p95, p99].map(short).join(' / ');
}

function rate({ median, min, max }: Summary): string {
  return `${median.toFixed(1)} tokens/s (${min.toFixed(1)} to ${max.toFixed(1)})`;
}

function ms(value: number): string {
  return `${short(value)} ms`;
}

function short(value: number): string {
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}
