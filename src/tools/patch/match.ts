/** How closely lines have to be alike: each step forgives more. */
export const LEVELS = [
  { name: 'exactly', key: (line: string) => line },
  { name: 'but for whitespace at the end of lines', key: (line: string) => line.trimEnd() },
  { name: 'but for whitespace around lines', key: (line: string) => line.trim() },
  { name: 'but for whitespace and typographic signs', key: plainSigns },
] as const;

export interface Match {
  /** The first line, counted from 0. */
  readonly at: number;
  /** Index in `LEVELS`. */
  readonly level: number;
  /** Where they stand as well, as closely. */
  readonly another: number | undefined;
}

/**
 * Where `wanted` stands in `lines`, from `from` on: at the closest level that there is, the first place; the last one
 * of the file with `atEnd`, if it is there.
 */
export function findLines(
  lines: readonly string[],
  wanted: readonly string[],
  from: number,
  atEnd: boolean,
): Match | undefined {
  for (const [level, { key }] of LEVELS.entries()) {
    const have = keyed(lines, level);
    const want = wanted.map(key);
    const tail = have.length - want.length;
    if (atEnd && tail >= 0 && standsAt(have, want, tail)) return { at: tail, level, another: undefined };
    const at = next(have, want, from);
    if (at !== undefined) return { at, level, another: next(have, want, at + 1) };
  }
  return undefined;
}

const known = new WeakMap<readonly string[], (readonly string[])[]>();

/** The lines of a file as a level compares them; worked out once for all hunks. */
function keyed(lines: readonly string[], level: number): readonly string[] {
  const levels = known.get(lines) ?? [];
  known.set(lines, levels);
  levels[level] ??= lines.map(LEVELS[level]!.key);
  return levels[level];
}

/** A line that stands in a patch more often than this says little about where it belongs. */
const MAX_PLACES = 8;

/** The lines that are most like `wanted`, for whoever has to look again. */
export function nearestLines(lines: readonly string[], wanted: readonly string[]): number | undefined {
  const have = lines.map(plainSigns);
  const want = wanted.map(plainSigns);
  const places = new Map<string, number[]>();
  for (const [index, line] of want.entries()) {
    const known = places.get(line) ?? [];
    if (line !== '' && known.length < MAX_PLACES) places.set(line, [...known, index]);
  }
  const votes = new Map<number, number>();
  for (const [at, line] of have.entries()) {
    for (const index of places.get(line) ?? []) votes.set(at - index, (votes.get(at - index) ?? 0) + 1);
  }
  const best = [...votes].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
  return best === undefined ? mostAlike(have, want) : Math.max(best[0], 0);
}

/** Each line is looked at twice at most (Knuth, Morris and Pratt), however much the lines are alike. */
function next(have: readonly string[], want: readonly string[], from: number): number | undefined {
  const borders = bordersOf(want);
  let matched = 0;
  for (let at = from; at < have.length; at++) {
    while (matched > 0 && have[at] !== want[matched]) matched = borders[matched - 1]!;
    if (have[at] === want[matched]) matched++;
    if (matched === want.length) return at + 1 - matched;
  }
  return undefined;
}

/** Of the first lines, by their number: how many of the last of them are also the first. */
function bordersOf(lines: readonly string[]): readonly number[] {
  const borders = [0];
  for (let at = 1, length = 0; at < lines.length; at++) {
    while (length > 0 && lines[at] !== lines[length]) length = borders[length - 1]!;
    if (lines[at] === lines[length]) length++;
    borders.push(length);
  }
  return borders;
}

function standsAt(have: readonly string[], want: readonly string[], at: number): boolean {
  return want.every((line, index) => have[at + index] === line);
}

/** Where a line stands that shares the most words with the longest one wanted. */
function mostAlike(have: readonly string[], want: readonly string[]): number | undefined {
  const longest = want.reduce((best, line) => (line.length > best.length ? line : best), '');
  const words = new Set(longest.match(/[\p{L}\p{N}_]+/gu) ?? []);
  let best: { at: number; score: number } | undefined;
  for (const [at, line] of have.entries()) {
    const own = new Set(line.match(/[\p{L}\p{N}_]+/gu) ?? []);
    const shared = [...own].filter((word) => words.has(word)).length;
    const score = shared / Math.max(own.size, words.size, 1);
    if (score > (best?.score ?? 0.3)) best = { at, score };
  }
  return best === undefined ? undefined : Math.max(best.at - want.indexOf(longest), 0);
}

/** Without whitespace around it, and with the signs of a keyboard for those of a typesetter. */
function plainSigns(line: string): string {
  return line
    .trim()
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/[\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\u00a0\u2002-\u200a\u202f\u205f\u3000]/g, ' ');
}
