import { loadavg } from 'node:os';
import { measureIntegerPeak, measureReadBandwidth } from '../../src/backends/index.ts';
import type { ModelConfig } from '../../src/model/index.ts';
import type { Contender } from './contenders.ts';
import { linesOf } from './lines.ts';
import { runJob } from './measure.ts';
import type { Row } from './rows.ts';
import { type Summary, summarise } from './statistics.ts';
import type { Line } from './table.ts';

export interface CompareOptions {
  readonly rows: readonly Row[];
  readonly runs: number;
  readonly threads: number;
  readonly config: ModelConfig;
  readonly peerFolder: string;
  readonly log: (line: string) => void;
}

/** All runs of all contenders with so many threads. */
export interface Comparison {
  readonly threads: number;
  readonly contenders: readonly Contender[];
  /** A sentence for each run that gave nothing. */
  readonly failures: readonly string[];
  /** GB/s, before each run. */
  readonly bandwidth: Summary;
  /** The same by title: a host that drifts may have been kinder to one of them. */
  readonly bandwidthOf: ReadonlyMap<string, Summary>;
  /** GOP/s of 8-bit products, before each run, by instruction set; '' is the best. */
  readonly peaks: ReadonlyMap<string, Summary>;
  readonly loads: Summary;
  readonly lines: readonly Line[];
}

/** Lets them take turns. Who fails once is out; the others go on. */
export async function compare(contenders: readonly Contender[], options: CompareOptions): Promise<Comparison> {
  const { rows, runs, threads, config, peerFolder, log } = options;
  const bandwidths = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
  const peaks = new Map<string, number[]>();
  const loads: number[] = [];
  const failures: string[] = [];
  const { vocabSize, maxContextLength: contextLength } = config;
  const width = Math.max(...contenders.map(({ title }) => title.length));
  for (let run = 1; run <= runs; run++) {
    for (const contender of contenders) {
      const { title, denseKind: _, results, ...rest } = contender;
      if (results.length < run - 1) continue; // it failed
      bandwidths.get(contender)!.push(measureReadBandwidth({ threads }));
      if (rest.subject === 'ossia') {
        const { isa } = rest;
        const peak = measureIntegerPeak({ threads, ...(isa === undefined ? {} : { isa }) });
        peaks.set(isa ?? '', [...(peaks.get(isa ?? '') ?? []), peak]);
      }
      loads.push(loadavg()[0]!);
      const job = { ...rest, threads, rows, vocabSize, contextLength, seed: run, peerFolder };
      try {
        results.push(await runJob(job, (line) => log(`run ${run}  ${title.padEnd(width)}  ${line}`)));
      } catch (error) {
        failures.push(`${title} failed in run ${run}: ${(error as Error).message}`);
      }
    }
  }
  const summaries = new Map([...bandwidths].map(([contender, values]) => [contender, summarise(values)]));
  const peakOf = new Map([...peaks].map(([isa, values]) => [isa, summarise(values)]));
  const lines = linesOf(rows, contenders, config, {
    bandwidth: (contender) => summaries.get(contender)!.median * 1e9,
    peak: ({ isa = '' }) => peakOf.get(isa)!.median * 1e9,
  });
  const bandwidth = summarise([...bandwidths.values()].flat());
  const bandwidthOf = new Map([...summaries].map(([{ title }, summary]) => [title, summary]));
  return { threads, contenders, failures, bandwidth, bandwidthOf, peaks: peakOf, loads: summarise(loads), lines };
}
