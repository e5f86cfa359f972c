/**
 * Ossia beside llama.cpp on the same machine, weights and threads, one after the other, several times:
 *
 *     npm run bench [-- --model 20b | --model FILE.gguf,DIRECTORY] [--threads N,M] [--runs 3] [--rows prefill512,decode0]
 *
 * A preset's files are made first (see synthetic.ts; `--dir` says where, `--layouts gguf,huggingface` which). The peer runs the
 * GGUF file, through node-llama-cpp, which is installed into the same folder; `--no-peer` leaves it out. From bf16 files Ossia
 * runs twice, with its dense weights kept and as 8-bit codes. `--long` adds the rows that take very long, `--decode N` is how many
 * tokens to decode, `--kv-bits 8` makes Ossia's KV cache half as large, `--isa avx512-vbmi,avx2` names its instruction sets, `--json
 * FILE` writes all numbers. A row with `@2` behind its name runs beside two busy processes; see rows.ts for the names.
 *
 * Another build of llama.cpp, or a fork, joins with the program that all of them have, for rows of prefill and of decoding one stream:
 *
 *     npm run bench -- speed --llama-bench fork=/path/to/llama-bench --llama-bench-flags='-rtr 1'
 */
import { writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { cpuMachine } from '../src/backends/index.ts';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { type ModelConfig, readConfig } from '../src/model/index.ts';
import { type Comparison, compare } from './speed/compare.ts';
import { contenders, parseLlamaBench } from './speed/contenders.ts';
import { installPeer } from './speed/peer.ts';
import { longRows, parseRow, usualRows } from './speed/rows.ts';
import type { Summary } from './speed/statistics.ts';
import { formatTable } from './speed/table.ts';
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
    'llama-bench': { type: 'string' },
    'llama-bench-flags': { type: 'string' },
    runs: { type: 'string', default: '3' },
    'kv-bits': { type: 'string', default: '16' },
    isa: { type: 'string' },
    threads: { type: 'string', default: String(cpuMachine().defaultThreads) },
    rows: { type: 'string' },
    long: { type: 'boolean', default: false },
    decode: { type: 'string', default: '128' },
    json: { type: 'string' },
  },
});

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

async function configOf(path: string): Promise<ModelConfig> {
  const checkpoint = await openCheckpoint(path, { map: false });
  try {
    return readConfig(checkpoint);
  } finally {
    checkpoint.close();
  }
}

function print({ threads, contenders, failures, bandwidth, bandwidthOf, peaks, loads, lines }: Comparison): void {
  const range = ({ median, min, max }: Summary) => `${median.toFixed(1)} (${min.toFixed(1)} to ${max.toFixed(1)})`;
  console.log(`threads  ${threads}, memory ${(totalmem() / 1e9).toFixed(0)} GB, runs ${runs}`);
  for (const { title, results } of contenders) {
    if (results.length > 0) console.log(`${title}: ${results[0]!.description}`);
  }
  for (const failure of failures) console.log(failure);
  const before = [...bandwidthOf].map(([title, { median }]) => `${median.toFixed(1)} before ${title}`);
  console.log(`reading memory: ${range(bandwidth)} GB/s${before.length > 1 ? `; ${before.join(', ')}` : ''}`);
  for (const [isa, peak] of peaks) {
    console.log(`int8 operations${isa === '' ? '' : ` with ${isa}`}: ${range(peak)} GOP/s`);
  }
  console.log(`load average before each run: ${range(loads)}\n`);
  console.log(formatTable(lines));
}

const runs = positive('runs', flags.runs);
const names = flags.rows?.split(',') ?? (flags.long ? [...usualRows, ...longRows] : usualRows);
const threadCounts = flags.threads.split(',').map((count) => positive('threads', count));
const program = flags['llama-bench'];
const choice = {
  kvBits: flags['kv-bits'] === '8' ? 8 : 16,
  isas: flags.isa?.split(',') ?? [undefined],
  llamaBench: program === undefined ? undefined : parseLlamaBench(program, flags['llama-bench-flags']),
} as const;
const paths = modelPaths();
const peer = flags.peer ? installPeer(flags.dir) : { reason: 'not asked for' };
if ('reason' in peer) console.log(`without llama.cpp: ${peer.reason}\n`);
const config = await configOf(paths[0]!);
const rows = names.map((name) => parseRow(name, positive('decode', flags.decode), config.maxContextLength));

const comparisons: Comparison[] = [];
for (const [i, threads] of threadCounts.entries()) {
  const comparison = await compare(contenders({ ...choice, paths, hasPeer: 'folder' in peer }), {
    rows,
    runs,
    threads,
    config,
    peerFolder: 'folder' in peer ? peer.folder : '',
    log: (line) => console.error(line),
  });
  comparisons.push(comparison);
  if (i > 0) console.log();
  print(comparison);
}
if (flags.json !== undefined) {
  const results = comparisons.map(({ contenders, bandwidthOf, peaks, ...rest }) => ({
    ...rest,
    bandwidthOf: Object.fromEntries(bandwidthOf),
    peaks: Object.fromEntries(peaks),
    samples: contenders.map(({ title, results }) => ({
      title,
      runs: results.map(({ values, residents, ...rest }) => {
        return { ...rest, values: Object.fromEntries(values), residents: Object.fromEntries(residents) };
      }),
    })),
  }));
  const result = { ...circumstances(['speed', ...process.argv.slice(2)]), comparisons: results };
  writeFileSync(flags.json, `${JSON.stringify(result, null, 1)}\n`);
}
if (comparisons.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
