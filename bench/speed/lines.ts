import type { ModelConfig } from '../../src/model/index.ts';
import type { Contender } from './contenders.ts';
import type { RunResult } from './measure.ts';
import { bytesPerStep, operationsPerPromptToken } from './roofline.ts';
import type { Row } from './rows.ts';
import { type Summary, summarise } from './statistics.ts';
import { type Line, unitOf } from './table.ts';

/** What the machine can do at most, in a second: bytes when a contender ran, and operations with its instruction set. */
export interface Limits {
  readonly bandwidth: (contender: Contender) => number;
  readonly peak: (contender: Contender) => number;
}

/** All lines of rows, a contender each; those who have no value for a row are left out of it. */
export function linesOf(
  rows: readonly Row[],
  contenders: readonly Contender[],
  config: ModelConfig,
  limits: Limits,
): Line[] {
  return [...rows.flatMap((row) => linesOfRow(row, contenders, config, limits)), ...memoryLines(contenders)];
}

function linesOfRow(row: Row, contenders: readonly Contender[], config: ModelConfig, limits: Limits): Line[] {
  const unit = unitOf(row);
  const rates = comparison({ title: row.title, unit }, contenders, ({ values }) => values.get(row.name)).map(
    ([contender, line]) => ({ ...line, ...boundOf(row, contender, line.summary, config, limits) }),
  );
  if (row.kind !== 'depth') return rates;
  const resident = { title: '  resident there', unit: 'GB' } as const;
  const sizes = comparison(resident, contenders, ({ residents }) => {
    const bytes = residents.get(row.name);
    return bytes === undefined ? undefined : bytes / 1e9;
  });
  return [...rates, ...sizes.map(([, line]) => line)];
}

function boundOf(row: Row, contender: Contender, { median }: Summary, config: ModelConfig, limits: Limits) {
  if (unitOf(row) !== 'tokens/s' || row.kind === 'mixed') return {};
  const isOurs = contender.subject === 'ossia';
  if (row.kind === 'prefill') {
    const operations = operationsPerPromptToken(config);
    const gigaOps = (median * operations) / 1e9;
    return isOurs ? { gigaOps, bound: limits.peak(contender) / operations } : { gigaOps };
  }
  if (!isOurs) return {};
  const streams = row.prompts.length;
  const { kvBytesPerToken } = contender.results[0]!;
  const length = row.prompts[0]! + row.count / 2;
  const bytes = bytesPerStep(config, contender.denseKind, streams, kvBytesPerToken, length);
  return { bound: (limits.bandwidth(contender) * streams) / bytes };
}

/** A line for each who has values, with its ratios to others' programs that come after it. */
function comparison(
  heading: Pick<Line, 'title' | 'unit'>,
  contenders: readonly Contender[],
  read: (result: RunResult) => number | undefined,
): (readonly [Contender, Line])[] {
  const found = contenders.flatMap((contender) => {
    const values = contender.results.map(read).filter((value) => value !== undefined);
    return values.length === 0 ? [] : [{ contender, summary: summarise(values) }];
  });
  return found.map(({ contender, summary }, i) => {
    const others = found.filter((other, j) => j !== i && other.contender.subject !== 'ossia');
    const ratios = others
      .filter((other) => contender.subject === 'ossia' || found.indexOf(other) < i)
      .map((other): [string, number] => [
        other.contender.title,
        heading.unit === 'tokens/s' ? summary.median / other.summary.median : other.summary.median / summary.median,
      ]);
    return [contender, { ...heading, subject: contender.title, summary, ratios: Object.fromEntries(ratios) }];
  });
}

function memoryLines(contenders: readonly Contender[]): Line[] {
  const kinds = [
    { title: 'resident memory, at most', read: ({ resident }: RunResult) => resident },
    { title: '  of it not mapped files', read: ({ anonymous }: RunResult) => anonymous },
  ];
  return kinds.flatMap(({ title, read }) =>
    comparison({ title, unit: 'GB' }, contenders, (result) => {
      const bytes = read(result);
      return bytes === undefined ? undefined : bytes / 1e9;
    }).map(([, line]) => ({ ...line, ratios: {} })),
  );
}
