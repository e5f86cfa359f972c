import { type Row, WARM_UP } from './rows.ts';

/** One call of the program. */
export interface BenchCommand {
  readonly rows: readonly Row[];
  /** Which tests to run. */
  readonly args: readonly string[];
  /** Processes beside it. */
  readonly busy: number;
}

/** What it tells of one test. Builds differ in what else they say. */
export interface BenchRecord {
  readonly promptTokens: number;
  readonly generated: number;
  /** Tokens in the context before, where the build has such tests. */
  readonly depth: number;
  readonly tokensPerSecond: number;
  /** `build_commit` and `build_number`, where they are told. */
  readonly build: string;
}

/**
 * How to ask for rows: all of an empty context in one call, because a model may take long to load, and each depth in one of its own.
 * Tests of other rows (streams, memory, the start) do not exist. `help` says how the build counts depth: upstream with `-d`, older
 * forks with `-gp`.
 */
export function benchCommands(rows: readonly Row[], help: string): BenchCommand[] {
  const groups = Map.groupBy(
    rows.filter((row) => row.kind === 'prefill' || depthOf(row) === 0),
    ({ busy }) => busy,
  );
  const empty = [...groups].map(([busy, rows]) => {
    const prompts = rows.filter(({ kind }) => kind === 'prefill').map(({ prompts }) => prompts[0]!);
    const generated = rows.filter(({ kind }) => kind === 'decode').map(generatedOf);
    const lengths = generated.length === 0 ? '0' : [...new Set(generated)].join(',');
    return { rows, busy, args: ['-p', [WARM_UP, ...prompts].join(','), '-n', lengths] };
  });
  const hasDepth = /--n-depth\b/.test(help);
  const deep = hasDepth || /^\s*-gp\b/m.test(help) ? rows.filter((row) => (depthOf(row) ?? 0) > 0) : [];
  return [
    ...empty,
    ...deep.map((row) => {
      const [depth, generated] = [String(depthOf(row)), String(generatedOf(row))];
      const test = hasDepth
        ? ['-p', '0', '-n', generated, '-d', depth]
        : ['-p', '0', '-n', '0', '-gp', `${depth},${generated}`];
      return { rows: [row], busy: row.busy, args: test };
    }),
  ];
}

/** Tokens before those that a row decodes; undefined where it does not decode one stream. */
function depthOf({ kind, name, prompts }: Row): number | undefined {
  if (kind !== 'decode') return undefined;
  return /^decode0\b/.test(name) ? 0 : prompts[0]!;
}

/** Ours count from the first token on, which ends the prefill. */
function generatedOf({ count }: Row): number {
  return count - 1;
}

/** The records of `-o json`, whatever stands around them. Throws an Error that says what is wrong with the output. */
export function parseRecords(output: string): BenchRecord[] {
  const start = /^\[/m.exec(output)?.index;
  const end = output.lastIndexOf(']');
  if (start === undefined || end < start) throw new Error(`its output has no list: ${quote(output)}`);
  let list: unknown;
  try {
    list = JSON.parse(output.slice(start, end + 1));
  } catch (error) {
    throw new Error(`its output is no JSON: ${(error as Error).message.split('\n')[0]}`);
  }
  return (list as unknown[]).map(readRecord);
}

function readRecord(record: unknown): BenchRecord {
  const fields = (typeof record === 'object' && record !== null ? record : {}) as Readonly<Record<string, unknown>>;
  const number = (name: string): number => {
    const value = fields[name];
    if (typeof value === 'number' && value >= 0) return value;
    throw new Error(`expected a number as "${name}" in its output, got ${quote(JSON.stringify(value) ?? 'none')}`);
  };
  const { build_commit: commit, build_number: count } = fields;
  return {
    promptTokens: number('n_prompt'),
    generated: number('n_gen'),
    depth: fields.n_depth === undefined ? 0 : number('n_depth'),
    tokensPerSecond: number('avg_ts'),
    build: [commit, count].filter((part) => part !== undefined && part !== '').join(' '),
  };
}

export function describeBuild(records: readonly BenchRecord[]): string {
  return records[0]?.build ?? '';
}

/** A row's tokens in a second. Throws when there is no record of its test. */
export function rateOf(row: Row, records: readonly BenchRecord[]): number {
  const depth = depthOf(row);
  const isIts = ({ promptTokens, generated, depth: before }: BenchRecord) =>
    depth === undefined
      ? promptTokens === row.prompts[0] && generated === 0 && before === 0
      : promptTokens + before === depth && generated === generatedOf(row); // -gp calls what comes before the prompt
  const found = records.findLast(isIts); // a prompt as long as the warm-up comes after it
  if (found === undefined) throw new Error(`its output has no test of ${row.title}`);
  return found.tokensPerSecond;
}

function quote(text: string): string {
  const short = text.trim().split('\n')[0]!.slice(0, 100);
  return short === '' ? 'nothing' : short;
}
