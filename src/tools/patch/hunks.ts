import { type Hunk, PatchError } from './format.ts';
import { findLines, LEVELS, nearestLines } from './match.ts';
import { fromLines, type Line, lineEnd, toLines } from './text.ts';

export interface Patched {
  readonly content: string;
  readonly added: number;
  readonly removed: number;
  /** What was not quite as the patch says. */
  readonly notes: readonly string[];
}

/** What stands in the place of some lines. */
interface Replacement {
  readonly at: number;
  readonly removed: number;
  readonly lines: readonly Line[];
}

const SHOWN_LINES = 12;

/** Applies all hunks to a text. Throws `PatchError`, which names the hunk and the lines that are nearest. */
export function applyHunks(content: string, hunks: readonly Hunk[]): Patched {
  const text = toLines(content);
  const lines = text.lines.map((line) => line.text);
  const replacements: Replacement[] = [];
  const notes: string[] = [];
  let from = 0;
  for (const [index, hunk] of hunks.entries()) {
    const name = `hunk ${index + 1} (line ${hunk.line} of the patch)`;
    const note = (what: string): void => void notes.push(`${name} ${what}`);
    const { at, length, wanted } = place(lines, hunk, from, name, note);
    replacements.push(...replacementsOf(hunk, at, wanted, lineEnd(text)));
    from = Math.max(from, at + length);
  }
  const count = (sign: string): number =>
    hunks.flatMap((hunk) => hunk.lines).filter((line) => line.sign === sign).length;
  return {
    content: fromLines(replaced(text.lines, replacements), text),
    added: count('+'),
    removed: count('-'),
    notes,
  };
}

function place(
  lines: readonly string[],
  hunk: Hunk,
  from: number,
  name: string,
  note: (what: string) => void,
): { readonly at: number; readonly length: number; readonly wanted: Hunk['lines'] } {
  const start = afterHeaders(lines, hunk, from, name, note);
  let wanted = hunk.lines;
  let old = wanted.filter(({ sign }) => sign !== '+').map(({ text }) => text);
  // Nothing to hold on to: after the header, or at the end.
  if (old.length === 0) return { at: hunk.headers.length > 0 && !hunk.atEnd ? start : lines.length, length: 0, wanted };
  let match = findLines(lines, old, start, hunk.atEnd);
  if (match === undefined && old.length > 1 && wanted.at(-1)?.sign === ' ' && old.at(-1)?.trim() === '') {
    wanted = wanted.slice(0, -1); // the new line at the end of the file is no line
    old = old.slice(0, -1);
    match = findLines(lines, old, start, hunk.atEnd);
  }
  if (match === undefined && start > 0) {
    match = findLines(lines, old, 0, false);
    if (match !== undefined) note(`stands before what comes before it in the patch, at line ${match.at + 1}`);
  }
  if (match === undefined) throw new PatchError(missing(lines, old, name));
  if (match.level > 0) note(`fits at line ${match.at + 1}, ${LEVELS[match.level]?.name}`);
  if (match.another !== undefined && hunk.headers.length === 0) {
    note(`fits at line ${match.at + 1} and at line ${match.another + 1}: the first was taken`);
  }
  return { at: match.at, length: old.length, wanted };
}

/** The line after the last header. */
function afterHeaders(
  lines: readonly string[],
  { headers, hint }: Hunk,
  from: number,
  name: string,
  note: (what: string) => void,
): number {
  let start = from;
  for (const header of headers) {
    const found =
      findLines(lines, [header], start, false)?.at ?? indexFrom(lines, start, (line) => line.includes(header.trim()));
    if (found !== undefined) start = found + 1;
    else if (!hint && findLines(lines.slice(0, start), [header], 0, false) === undefined) {
      if (headers.length === 1 && start === from)
        note(`has the header "${header.trim()}", which is nowhere in the file`);
      else
        throw new PatchError(`${name}: there is no line "${header}" after line ${start}\n${around(lines, [header])}`);
    }
  }
  return start;
}

function replacementsOf(hunk: Hunk, at: number, wanted: Hunk['lines'], end: string): readonly Replacement[] {
  const replacements: Replacement[] = [];
  let line = at;
  for (let index = 0; index < wanted.length; ) {
    if (wanted[index]?.sign === ' ') {
      line++;
      index++;
      continue;
    }
    const rest = wanted.slice(index);
    const length = rest.findIndex(({ sign }) => sign === ' ');
    const block = length < 0 ? rest : rest.slice(0, length);
    const removed = block.filter(({ sign }) => sign === '-').length;
    const added = block.filter(({ sign }) => sign === '+');
    replacements.push({ at: line, removed, lines: added.map(({ text }) => ({ text, end })) });
    line += removed;
    index += block.length;
  }
  if (hunk.lines.every(({ sign }) => sign === ' ')) return [];
  return replacements;
}

function replaced(lines: readonly Line[], replacements: readonly Replacement[]): readonly Line[] {
  const result: Line[] = [];
  let at = 0;
  for (const replacement of [...replacements].sort((a, b) => a.at - b.at)) {
    if (replacement.at < at) throw new PatchError(`Two hunks change line ${replacement.at + 1}: join them into one`);
    result.push(...lines.slice(at, replacement.at), ...replacement.lines);
    at = replacement.at + replacement.removed;
  }
  result.push(...lines.slice(at));
  return result;
}

function missing(lines: readonly string[], old: readonly string[], name: string): string {
  return `${name}: these lines are not in the file:\n${excerpt(old)}\n${around(lines, old)}`;
}

function around(lines: readonly string[], wanted: readonly string[]): string {
  if (lines.length === 0) return 'The file is empty.';
  const at = nearestLines(lines, wanted);
  if (at === undefined) return `Nothing in its ${lines.length} lines is like them.`;
  const shown = lines.slice(at, at + Math.min(Math.max(wanted.length, 3), SHOWN_LINES));
  return `The nearest lines are ${at + 1} to ${at + shown.length}:\n${excerpt(shown)}`;
}

function excerpt(lines: readonly string[]): string {
  const shown = lines.slice(0, SHOWN_LINES).map((line) => (line.length > 300 ? `${line.slice(0, 300)}…` : line));
  return [...shown, ...(lines.length > SHOWN_LINES ? [`… (${lines.length - SHOWN_LINES} more)`] : [])].join('\n');
}

function indexFrom(lines: readonly string[], from: number, fits: (line: string) => boolean): number | undefined {
  const found = lines.slice(from).findIndex(fits);
  return found < 0 ? undefined : from + found;
}
