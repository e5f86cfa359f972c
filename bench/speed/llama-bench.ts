import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { beside } from './busy.ts';
import { benchCommands, describeBuild, parseRecords, rateOf } from './llama-bench-protocol.ts';
import { memoryOf } from './memory.ts';
import type { Row } from './rows.ts';
import type { Memory } from './subject.ts';

/** A `llama-bench`: llama.cpp's own measuring program, of any build of it or of a fork. */
export interface LlamaBench {
  readonly program: string;
  /** Its own, after ours: `-rtr 1`. */
  readonly flags: readonly string[];
}

export interface LlamaBenchJob extends LlamaBench {
  readonly model: string;
  readonly threads: number;
  readonly rows: readonly Row[];
}

export interface LlamaBenchResult {
  readonly description: string;
  /** Tokens in a second, by the name of the row; rows that the program has no test for are missing. */
  readonly values: ReadonlyMap<string, number>;
  readonly memory: Memory | undefined;
}

/** Long rows take long; a program that hangs should still come to an end. */
const TIMEOUT_MS = 3_600_000;
const POLL_MS = 100;

/** Runs the rows of prefill and decoding of one stream. Throws an Error that says in a line why it could not. */
export async function runLlamaBench(job: LlamaBenchJob): Promise<LlamaBenchResult> {
  const { program, flags, model, threads, rows } = job;
  const help = await helpOf(program);
  const values = new Map<string, number>();
  let build = '';
  let memory: Memory | undefined;
  for (const command of benchCommands(rows, help)) {
    const args = ['-m', model, '-t', String(threads), '-r', '1', '-o', 'json', ...command.args, ...flags];
    const ran = await beside(command.busy, () => run(program, args));
    const records = parseRecords(ran.output);
    for (const row of command.rows) values.set(row.name, rateOf(row, records));
    build = describeBuild(records);
    memory = most(memory, ran.memory);
  }
  const description = values.size === 0 ? 'has none of these rows' : [build, ...flags].join(' ').trim();
  return { description, values, memory };
}

async function helpOf(program: string): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, ['--help'], { timeout: 60_000 });
    return stdout + stderr;
  } catch (error) {
    throw new Error(`cannot run ${program} --help: ${firstLine((error as Error).message)}`);
  }
}

async function run(program: string, args: readonly string[]) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, complaints] = ['', ''];
  let memory: Memory | undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk).slice(-10_000);
  });
  let timedOut = false;
  const timeout = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, TIMEOUT_MS);
  const poll = setInterval(() => {
    memory = most(memory, memoryOf(child.pid!));
  }, POLL_MS);
  try {
    const ended = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.once('error', reject).once('close', (status, signal) => resolve(status ?? signal));
    });
    if (timedOut) throw new Error(`not done after ${TIMEOUT_MS / 60_000} minutes`);
    if (ended !== 0) throw new Error(`it ended with ${ended}: ${lastLine(complaints) || 'it did not say why'}`);
    return { output, memory };
  } finally {
    clearTimeout(timeout);
    clearInterval(poll);
  }
}

function most(a: Memory | undefined, b: Memory | undefined): Memory | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    resident: Math.max(a.resident, b.resident),
    anonymous: Math.max(a.anonymous ?? 0, b.anonymous ?? 0),
  };
}

function firstLine(text: string): string {
  return text.split('\n')[0]!.trim();
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)!.trim();
}
