import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row } from './rows.ts';
import { decodeRate } from './statistics.ts';
import { type Job, now, type Report } from './subject.ts';
import { unitOf } from './table.ts';

/** The numbers of one run of one subject. */
export interface RunResult {
  readonly description: string;
  readonly kvBytesPerToken: number;
  /** By row: seconds for `start`, 10^9 bytes for `memory`, tokens in a second for the others. */
  readonly values: ReadonlyMap<string, number>;
  /** Bytes, the most after any row. */
  readonly resident: number;
  readonly anonymous: number | undefined;
}

/** Runs a job in a process of its own, from a warm page cache. */
export async function runJob(job: Job, log: (line: string) => void): Promise<RunResult> {
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
  let resident = 0;
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
    resident = Math.max(resident, report.memory.resident);
    anonymous = report.memory.anonymous === undefined ? undefined : Math.max(anonymous ?? 0, report.memory.anonymous);
    log(`${row.title}: ${value.toFixed(2)} ${unitOf(row)}${warningOf(row, report)}`);
  }
  const status = await ended;
  if (status !== 0) throw new Error(`${job.subject} ended with status ${status} after ${values.size} rows`);
  return { ...opened, values, resident, anonymous };
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
