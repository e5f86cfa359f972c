import { RUNS } from './unicode-classes.ts';

/**
 * What a character is to the pre-tokeniser, by Unicode 16.0, which the official tokeniser uses. JavaScript's `\p{…}`
 * would follow the version that Node was built with, and its `\s` takes U+FEFF for white space and U+0085 for none.
 */
export const OTHER = 0;
/** Lu, Lt: can only come before the lower-case letters of a word. */
export const UPPER = 1;
/** Ll: can only come after the upper-case letters of a word. */
export const LOWER = 2;
/** Lm, Lo: letters of scripts without case; both upper and lower. */
export const CASELESS = 3;
/** M: both upper and lower as well, though no letter. */
export const MARK = 4;
export const NUMBER = 5;
/** White_Space but for carriage return and line feed. */
export const SPACE = 6;
export const NEWLINE = 7;
/** Past the last character. */
export const END = 8;

const LETTERS_OF_RUNS = 'OULCMNSR';

function expand(runs: string): Uint8Array {
  const table = new Uint8Array(0x110000);
  let code = 0;
  for (const [, letter, length] of runs.matchAll(/([A-Z])([0-9a-z]*)/g)) {
    const next = code + (length === '' ? 1 : Number.parseInt(length!, 36));
    table.fill(LETTERS_OF_RUNS.indexOf(letter!), code, next);
    code = next;
  }
  return table;
}

/** The class of every code point. */
export const CLASSES: Uint8Array = expand(RUNS);

/** The class of the character that starts at `at`, in valid UTF-8. */
export function classAt(text: Uint8Array, at: number): number {
  if (at >= text.length) return END;
  const first = text[at]!;
  if (first < 0x80) return CLASSES[first]!;
  if (first < 0xe0) return CLASSES[((first & 0x1f) << 6) | (text[at + 1]! & 0x3f)]!;
  if (first < 0xf0) return CLASSES[((first & 0x0f) << 12) | ((text[at + 1]! & 0x3f) << 6) | (text[at + 2]! & 0x3f)]!;
  const upper = ((first & 0x07) << 18) | ((text[at + 1]! & 0x3f) << 12);
  return CLASSES[upper | ((text[at + 2]! & 0x3f) << 6) | (text[at + 3]! & 0x3f)]!;
}

/** Where the next character starts. */
export function next(text: Uint8Array, at: number): number {
  const first = text[at]!;
  return at + (first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4);
}
