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

/** One way to ask: how fast, and with how much processor time. */
interface Side {
  readonly tokensPerSecond: Summary;
  readonly processorMsPerToken?: Summary;
}

/** What is measured besides. */
export interface Rows {
  readonly gap?: {
    readonly promptTokens: number;
    readonly alone: Percentiles & { readonly max: number };
    readonly beside: Percentiles & { readonly max: number; readonly tokens: number };
  };
  readonly overhead?: { readonly streams: number; readonly overHttp: Side; readonly inLibrary: Side };
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
    rows.push([`${streams} streams over HTTP`, rate(overHttp)], ['  the same in the library', rate(inLibrary)]);
    rows.push(['  HTTP and JSON cost', costOf(overHttp, inLibrary)]);
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

function rate({ tokensPerSecond, processorMsPerToken }: Side): string {
  const { median, min, max } = tokensPerSecond;
  const time = processorMsPerToken ? `, ${ms(processorMsPerToken.median)} of processor time a token` : '';
  return `${median.toFixed(1)} tokens/s (${min.toFixed(1)} to ${max.toFixed(1)})${time}`;
}

function costOf(overHttp: Side, inLibrary: Side): string {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const time = inLibrary.tokensPerSecond.median / overHttp.tokensPerSecond.median - 1;
  if (!overHttp.processorMsPerToken || !inLibrary.processorMsPerToken) return `${percent(time)} of time`;
  const processor = overHttp.processorMsPerToken.median / inLibrary.processorMsPerToken.median - 1;
  return `${percent(time)} of time, ${percent(processor)} of processor time`;
}

function ms(value: number): string {
  return `${short(value)} ms`;
}

function short(value: number): string {
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}
