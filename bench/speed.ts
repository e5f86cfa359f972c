/**
 * Ossia beside llama.cpp on the same machine, weights and threads, one after the other, several times:
 *
 *     npm run bench [-- --model 20b | --model FILE.gguf,DIRECTORY] [--threads N] [--runs 3] [--rows prefill512,decode0]
 *
 * A preset's files are made first (see synthetic.ts; `--dir` says where, `--layouts gguf,huggingface` which). The peer runs the
 * GGUF file, through node-llama-cpp, which is installed into the same folder; `--no-peer` leaves it out. From bf16 files Ossia
 * runs twice, with its dense weights kept and as 8-bit codes. `--long` adds the rows that take very long, `--decode N` is how many
 * tokens to decode, `--kv-bits 8` makes Ossia's KV cache half as large, `--json FILE` writes all numbers. A row with `@2` behind its name runs beside two busy processes.
 */
import { writeFileSync } from 'node:fs';
import { loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { cpuMachine, measureIntegerPeak, measureReadBandwidth } from '../src/backends/index.ts';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { type ModelConfig, readConfig } from '../src/model/index.ts';
import { type RunResult, runJob } from './speed/measure.ts';
import { installPeer } from './speed/peer.ts';
import { bytesPerStep, type DenseKind, operationsPerPromptToken } from './speed/roofline.ts';
import { longRows, parseRow, type Row, usualRows } from './speed/rows.ts';
import { type Summary, summarise } from './speed/statistics.ts';
import type { Job } from './speed/subject.ts';
import { formatTable, type Line, unitOf } from './speed/table.ts';
import { circumstances } from './support/machine.ts';
import { cacheFolder, makeSynthetic, type SyntheticLayout } from './synthetic/make.ts';
import { type Preset, presets } from './synthetic/presets.ts';

const { values: flags } = parseArgs({
  allowNegative: true,
  options: {
    model: { type: 'string', default: '20b' },
    layouts: { type: 'string', default: 'gguf,huggingface' },
    dir: { type: 'string', default: cacheFolder() },
    peer: { type: 'boolean', default: true },
    runs: { type: 'string', default: '3' },
    'kv-bits': { type: 'string', default: '16' },
    threads: { type: 'string', default: String(cpuMachine().defaultThreads) },
    rows: { type: 'string' },
    long: { type: 'boolean', default: false },
    decode: { type: 'string', default: '128' },
    json: { type: 'string' },
  },
});

interface Subject extends Pick<Job, 'subject' | 'model' | 'dense' | 'kvBits'> {
  readonly title: string;
  readonly denseKind: DenseKind;
  readonly results: RunResult[];
}

const PEER = 'llama.cpp';
const threads = positive('threads', flags.threads);
const kvBits = flags['kv-bits'] === '8' ? 8 : 16;
const names = flags.rows?.split(',') ?? (flags.long ? [...usualRows, ...longRows] : usualRows);
const rows = names.map((name) => parseRow(name, positive('decode', flags.decode)));

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`Expected --${name} to be 1 or more, got ${text}`);
  return value;
}

function modelPaths(): string[] {
  if (!Object.hasOwn(presets, flags.model)) return flags.model.split(',');
  return flags.layouts
    .split(',')
    .map((layout) =>
      makeSynthetic(flags.model as Preset, layout as SyntheticLayout, { directory: flags.dir, log: console.log }),
    );
}

/** Who runs which file, in the order of a round. */
function subjectsOf(paths: readonly string[], peerFolder: string | undefined): Subject[] {
  const ossia = (title: string, model: string, dense: 'keep' | 'q8', denseKind: DenseKind): Subject => {
    return { subject: 'ossia', title, model, dense, kvBits, denseKind, results: [] };
  };
  return paths.flatMap((path): Subject[] => {
    if (!path.endsWith('.gguf'))
      return [ossia('Ossia, bf16', path, 'keep', 'bf16'), ossia('Ossia, q8', path, 'q8', 'q8')];
    const peer: Subject = { ...ossia(PEER, path, 'keep', 'q8_0'), subject: 'llama.cpp' };
    return [ossia('Ossia, GGUF', path, 'keep', 'q8_0'), ...(peerFolder === undefined ? [] : [peer])];
  });
}

async function configOf(path: string): Promise<ModelConfig> {
  const checkpoint = await openCheckpoint(path, { map: false });
  try {
    return readConfig(checkpoint);
  } finally {
    checkpoint.close();
  }
}

/** The lines of a row, a subject each. */
function linesOf(row: Row, subjects: readonly Subject[], config: ModelConfig, bandwidth: number, peak: number): Line[] {
  const summaries = subjects.map(({ results }) => summarise(results.map(({ values }) => values.get(row.name)!)));
  const peer = summaries[subjects.findIndex(({ title }) => title === PEER)];
  return subjects.map(({ title, denseKind, results }, i): Line => {
    const summary = summaries[i]!;
    const unit = unitOf(row);
    const line = {
      title: row.title,
      subject: title,
      unit,
      summary,
      ...ratioTo(peer, summary, title, unit !== 'tokens/s'),
    };
    if (unit !== 'tokens/s' || row.kind === 'mixed') return line;
    if (row.kind === 'prefill') {
      const operations = operationsPerPromptToken(config);
      const bound = title === PEER ? {} : { bound: peak / operations };
      return { ...line, ...bound, gigaOps: (summary.median * operations) / 1e9 };
    }
    const streams = row.prompts.length;
    const bytes = bytesPerStep(
      config,
      denseKind,
      streams,
      results[0]!.kvBytesPerToken,
      row.prompts[0]! + row.count / 2,
    );
    return { ...line, ...(title === PEER ? {} : { bound: (bandwidth * streams) / bytes }) };
  });
}

function ratioTo(peer: Summary | undefined, own: Summary, title: string, lessIsBetter: boolean): { ratio?: number } {
  if (peer === undefined || title === PEER) return {};
  return { ratio: lessIsBetter ? peer.median / own.median : own.median / peer.median };
}

function memoryLines(subjects: readonly Subject[]): Line[] {
  const kinds = [
    { title: 'resident memory, at most', read: (result: RunResult) => result.resident },
    { title: '  of it not mapped files', read: (result: RunResult) => result.anonymous },
  ];
  return kinds.flatMap(({ title, read }) =>
    subjects.flatMap((subject): Line[] => {
      const sizes = subject.results.map(read).filter((size) => size !== undefined);
      if (sizes.length === 0) return [];
      return [{ title, subject: subject.title, unit: 'GB', summary: summarise(sizes.map((size) => size / 1e9)) }];
    }),
  );
}

const paths = modelPaths();
const peer = flags.peer ? installPeer(flags.dir) : { reason: 'not asked for' };
if ('reason' in peer) console.log(`without llama.cpp: ${peer.reason}\n`);
const subjects = subjectsOf(paths, 'folder' in peer ? peer.folder : undefined);
const config = await configOf(paths[0]!);
const bandwidths: number[] = [];
const peaks: number[] = [];
const loads: number[] = [];
const failures: string[] = [];
for (let run = 1; run <= positive('runs', flags.runs); run++) {
  for (const { title, results, ...rest } of subjects) {
    if (results.length < run - 1) continue; // it failed
    bandwidths.push(measureReadBandwidth({ threads }));
    peaks.push(measureIntegerPeak({ threads }));
    loads.push(loadavg()[0]!);
    const job = {
      ...rest,
      threads,
      rows,
      vocabSize: config.vocabSize,
      seed: run,
      peerFolder: 'folder' in peer ? peer.folder : '',
    };
    try {
      results.push(await runJob(job, (line) => console.error(`run ${run}  ${title.padEnd(12)}  ${line}`)));
    } catch (error) {
      failures.push(`${title} failed in run ${run}: ${(error as Error).message}`);
    }
  }
}

const measured = subjects.filter(({ results }) => results.length > 0);
const bandwidth = summarise(bandwidths);
const peak = summarise(peaks);
const lines = [
  ...rows.flatMap((row) => linesOf(row, measured, config, bandwidth.median * 1e9, peak.median * 1e9)),
  ...memoryLines(measured),
];
console.log(`threads  ${threads}, memory ${(totalmem() / 1e9).toFixed(0)} GB, runs ${flags.runs}`);
for (const { title, results } of measured) console.log(`${title}: ${results[0]!.description}`);
for (const failure of failures) console.log(failure);
const range = ({ median, min, max }: Summary) => `${median.toFixed(1)} (${min.toFixed(1)} to ${max.toFixed(1)})`;
console.log(`reading memory: ${range(bandwidth)} GB/s; int8 operations: ${range(peak)} GOP/s`);
console.log(`load average before each run: ${range(summarise(loads))}\n`);
console.log(formatTable(lines));
if (flags.json !== undefined) {
  const samples = measured.map(({ title, results }) => ({
    title,
    runs: results.map(({ values, ...rest }) => ({ ...rest, values: Object.fromEntries(values) })),
  }));
  const result = {
    ...circumstances(['speed', ...process.argv.slice(2)]),
    threads,
    bandwidth,
    peak,
    loads,
    lines,
    samples,
  };
  writeFileSync(flags.json, `${JSON.stringify(result, null, 1)}\n`);
}
if (failures.length > 0) process.exitCode = 1;
