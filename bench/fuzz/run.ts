/**
 * `node bench/fuzz/run.ts <name> [--count N] [--seed S] [--case I]`: runs bench/fuzz/<name>.ts. A target exports
 * `fuzz(options)`. Exits with 1 after a failure; the same seed gives the same cases, and --case runs one of them alone.
 */
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';

export interface FuzzOptions {
  /** Cases per format. */
  readonly count: number;
  readonly seed: number;
  /** Only this case of each format, for a closer look at a failure. */
  readonly only?: number;
}

export interface FuzzReport {
  readonly name: string;
  readonly count: number;
  readonly seconds: number;
  /** How often each outcome came: an error's code, or a word for success. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** What should never happen, each with its case. */
  readonly failures: readonly string[];
}

type Fuzz = (options: FuzzOptions) => Promise<readonly FuzzReport[]>;

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      count: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      case: { type: 'string' },
    },
  });
  const own = /^(run|random|mutate)\.ts$|\.test\.ts$/;
  const targets = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.ts') && !own.test(file));
  const names = targets.map((file) => file.slice(0, -'.ts'.length));
  const name = positionals[0];
  if (name === undefined || !names.includes(name)) {
    console.error(`Expected one of: ${names.join(', ')}`);
    return 2;
  }
  const { fuzz } = (await import(`./${name}.ts`)) as { fuzz: Fuzz };
  const only = values.case === undefined ? {} : { only: Number(values.case) };
  const reports = await fuzz({ count: Number(values.count), seed: Number(values.seed), ...only });
  for (const report of reports) print(report);
  return reports.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

function print({ name, count, seconds, outcomes, failures }: FuzzReport): void {
  console.log(`${name}: ${count} cases in ${seconds.toFixed(1)} s, ${failures.length} failures`);
  for (const [outcome, times] of [...outcomes].sort((a, b) => b[1] - a[1])) {
    console.log(`  ${String(times).padStart(8)}  ${outcome}`);
  }
  for (const failure of failures.slice(0, 10)) console.log(`  FAILED ${failure}`);
}

if (import.meta.main) process.exitCode = await main();
