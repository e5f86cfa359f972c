/**
 * Random tool sets, schemas and choices, sampled hot from a model with random weights under the constraint: every turn that
 * ends by a stop token has to be well-formed, its arguments and its answer valid, its finish reason right.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type LoadedModel, load } from '../../src/index.ts';
import { writeRandomModel } from '../../test/support/random-model.ts';
import { checkTurn, sampleTurn, type TurnCase, turnCases } from '../../test/support/random-turns.ts';
import type { FuzzOptions, FuzzReport } from './run.ts';

/** Turns that run side by side. */
const WIDTH = 32;
/** Turns between two lines of progress. */
const REPORT_EVERY = 1000;

export async function fuzz({ count, seed, only }: FuzzOptions): Promise<readonly FuzzReport[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ossia-turns-'));
  writeRandomModel(directory, seed);
  const model = await load(directory, { context: 8000, maxRunning: WIDTH });
  try {
    return [await fuzzTurns(model, { count, seed, ...(only === undefined ? {} : { only }) })];
  } finally {
    await model.close();
    rmSync(directory, { recursive: true });
  }
}

async function fuzzTurns(model: LoadedModel, { count, seed, only }: FuzzOptions): Promise<FuzzReport> {
  const started = performance.now();
  const outcomes = new Map<string, number>();
  const failures: string[] = [];
  const first = only ?? 0;
  let next = first;
  let done = 0;
  const until = only === undefined ? count : only + 1;
  const work = async () => {
    for (let i = next++; i < until; i = next++) {
      const turn = caseOf(seed, i);
      const outcome = await runCase(model, turn).catch((error: unknown) => {
        failures.push(`case ${i}: ${String(error)} in ${JSON.stringify(turn)}`);
        return 'failed';
      });
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      done++;
      if (done % REPORT_EVERY === 0) console.log(progress(done, until - first, started, failures));
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, work));
  return { name: 'turns', count, seconds: (performance.now() - started) / 1000, outcomes, failures };
}

function progress(done: number, count: number, started: number, failures: readonly string[]): string {
  const seconds = (performance.now() - started) / 1000;
  const left = ((count - done) * seconds) / done / 60;
  const failed = failures.length === 0 ? 'no failures' : `${failures.length} failures, the last: ${failures.at(-1)}`;
  return `${done} of ${count} turns in ${seconds.toFixed(0)} s, about ${left.toFixed(0)} min left, ${failed}`;
}

/** Every case by itself, so that one can be run without those before it. */
function caseOf(seed: number, index: number): TurnCase {
  return fc.sample(turnCases, { numRuns: 1, seed: Math.imul(seed, 0x9e3779b1) ^ index })[0]!;
}

async function runCase(model: LoadedModel, turn: TurnCase): Promise<string> {
  const sampled = await sampleTurn(model, turn, true);
  try {
    return checkTurn(model, turn, sampled);
  } catch (cause) {
    const text = JSON.stringify(model.tokenizer.decode(sampled.ids));
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)} in ${text}`, { cause });
  }
}
