import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runLlamaBench } from './llama-bench.ts';
import type { Row } from './rows.ts';
import { decodeRate } from './statistics.ts';
import { type Job, now, type Report } from './subject.ts';
import { unitOf } from './table.ts';

/** The numbers of one run of one subject. */
export interface RunResult {
  readonly description: string;
  readonly kvBytesPerToken: number;
  /** By row: seconds for `start`, 10^9 bytes for `memory`, tokens in a second for the others. Rows that nobody measured are missing. */
  readonly values: ReadonlyMap<string, number>;
  /** By row: bytes after it. */
  readonly residents: ReadonlyMap<string, number>;
  /** Bytes, the most after any row; of other programs the most at any time, where the system tells. */
  readonly resident: number | undefined;
  readonly anonymous: number | undefined;
}

/** Runs a job in a process of its own, or in two: prompts that are made up want another engine. Each begins with a warm page cache. */
export async function runJob(job: Omit<Job, 'madeUp'>, log: (line: string) => void): Promise<RunResult> {
  const parts = [false, true].map((madeUp) => {
    return { ...job, madeUp, rows: job.rows.filter(({ kind }) => (kind === 'depth') === madeUp) };
  });
  const results: RunResult[] = [];
  for (const part of parts) {
    if (part.rows.length === 0 || (part.madeUp && part.subject !== 'ossia')) continue;
    results.push(part.subject === 'llama-bench' ? await runProgram(part, log) : await runChild(part, log));
  }
  return {
    description: results[0]?.description ?? 'has none of these rows',
    kvBytesPerToken: results[0]?.kvBytesPerToken ?? 0,
    values: new Map(results.flatMap(({ values }) => [...values])),
    residents: new Map(results.flatMap(({ residents }) => [...residents])),
    resident: greatest(results.map(({ resident }) => resident)),
    anonymous: greatest(results.map(({ anonymous }) => anonymous)),
  };
}

function greatest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

async function runProgram({ llamaBench, model, threads, rows }: Job, log: (line: string) => void): Promise<RunResult> {
  warm(model);
  const { description, values, memory } = await runLlamaBench({ ...llamaBench!, model, threads, rows });
  for (const row of rows) if (values.has(row.name)) log(`${row.title}: ${values.get(row.name)!.toFixed(2)} tokens/s`);
  const { resident, anonymous } = memory ?? {};
  return { description, kvBytesPerToken: 0, values, residents: new Map(), resident, anonymous };
}

async function runChild(job: Job, log: (line: string) => void): Promise<RunResult> {
  warm(job.model);
  const script = fileURLToPath(new URL('./child.ts', import.meta.url));
  const started = now();
  const child = spawn(process.execPath, ['--no-warnings', script, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const rows = new Map(job.rows.map((row) => [row.name, row]));
  const values = new Map<string, number>();
  let opened = { description: '', kvBytesPerToken: 0 };
  const residents = new Map<string, number>();
  let anonymous: number | undefined;
  for await (const line of linesOf(child.stdout)) {
    const report: Report = JSON.parse(line);
    if (report.type === 'opened') {
      opened = { kvBytesPerToken: 0, ...report };
      continue;
    }
    const row = rows.get(report.name)!;
    const value = rateOf(row, report, started);
    values.set(row.name, value);
    residents.set(row.name, report.memory.resident);
    anonymous = greatest([anonymous, report.memory.anonymous]);
    log(`${row.title}: ${value.toFixed(2)} ${unitOf(row)}${warningOf(row, report)}`);
  }
  const status = await ended;
  if (status !== 0) throw new Error(`${job.subject} ended with status ${status} after ${values.size} rows`);
  return { ...opened, values, residents, resident: Math.max(...residents.values()), anonymous };
}

type RowReport = Extract<Report, { type: 'row' }>;

function rateOf({ kind, prompts }: Row, { submitted, arrivals, memory }: RowReport, started: number): number {
  if (kind === 'memory') return memory.resident / 1e9;
  const first = arrivals[0]![0]!;
  if (kind === 'mixed') return (arrivals.flat().length / (Math.max(...arrivals.flat()) - submitted)) * 1000; // prompts and all
  if (kind === 'start') return (first - started) / 1000;
  return kind === 'prefill' ? (prompts[0]! / (first - submitted)) * 1000 : decodeRate(arrivals);
}

/** Where a model repeats itself, its experts are the same again and again, and the row says little. */
function warningOf({ prompts, count }: Row, { distinctTokens }: RowReport): string {
  const total = prompts.length * count;
  return distinctTokens * 2 < total ? `  (only ${distinctTokens} different tokens of ${total})` : '';
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Reads a model's files once, so that the page cache has what it can hold of them. */
function warm(model: string): void {
  const files = statSync(model).isDirectory() ? readdirSync(model).map((name) => join(model, name)) : [model];
  const buffer = Buffer.alloc(1 << 23);
  for (const file of files) {
    const fd = openSync(file, 'r');
    while (readSync(fd, buffer, 0, buffer.length, null) > 0);
    closeSync(fd);
  }
}
