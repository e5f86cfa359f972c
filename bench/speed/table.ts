import type { Row } from './rows.ts';
import type { Summary } from './statistics.ts';

/** One line: a row as one subject did it. */
export interface Line {
  readonly title: string;
  readonly subject: string;
  readonly unit: 'tokens/s' | 's' | 'GB';
  readonly summary: Summary;
  /** How often as good as others, by their subject; above 1 is better, whatever the unit. */
  readonly ratios: Readonly<Record<string, number>>;
  /** What the machine allows at most, in the unit. */
  readonly bound?: number;
  /** Of prefill: operations in a second, in units of 10^9. */
  readonly gigaOps?: number;
}

export function unitOf({ kind }: Pick<Row, 'kind'>): Line['unit'] {
  if (kind === 'start') return 's';
  return kind === 'memory' ? 'GB' : 'tokens/s';
}

/** Columns as wide as they must be; titles only where they change. */
export function formatTable(lines: readonly Line[]): string {
  const others = [...new Set(lines.flatMap(({ ratios }) => Object.keys(ratios)))];
  const versus = others.map((other) => `× ${other}`);
  const headings = ['', '', 'median', 'min', 'max', '', ...versus, 'bound', 'of bound', 'GOP/s'];
  const cells = lines.map(({ title, subject, unit, summary, ratios, bound, gigaOps }, i) => [
    lines[i - 1]?.title === title ? '' : title,
    subject,
    decimals(summary.median),
    decimals(summary.min),
    decimals(summary.max),
    unit,
    ...others.map((other) => ratios[other]?.toFixed(2) ?? ''),
    bound === undefined ? '' : decimals(bound),
    bound === undefined ? '' : `${((summary.median / bound) * 100).toFixed(0)} %`,
    gigaOps === undefined ? '' : gigaOps.toFixed(0),
  ]);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]!.length)),
  );
  const isText = (column: number) => column < 2 || column === 5;
  const format = (row: readonly string[]) =>
    row
      .map((cell, column) => (isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [headings, ...cells].map(format).join('\n');
}

/** Three significant digits. */
function decimals(value: number): string {
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}
