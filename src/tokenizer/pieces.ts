import { CASELESS, classAt, LOWER, MARK, NEWLINE, NUMBER, next, OTHER, SPACE, UPPER } from './unicode.ts';

/**
 * The pattern that cuts text into pieces before tokens are merged inside each: o200k's, as files spell it. The scanner
 * below equals it. A regular expression in JavaScript would read classes and case otherwise (see unicode.ts), need the text
 * as UTF-16, and try `\s+(?!\S)` quadratically.
 */
export const O200K_PATTERN = [
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
  '\\p{N}{1,3}',
  ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*',
  '\\s*[\\r\\n]+',
  '\\s+(?!\\S)',
  '\\s+',
].join('|');

const isLetter = (kind: number): boolean => kind === UPPER || kind === LOWER || kind === CASELESS;
const isWord = (kind: number): boolean => isLetter(kind) || kind === MARK;
const isPunctuation = (kind: number): boolean => kind === OTHER || kind === MARK;
const isWhite = (kind: number): boolean => kind === SPACE || kind === NEWLINE;

/**
 * Where the piece that starts at `start` ends. The alternatives of the pattern are tried in its order; every byte of a
 * text is looked at a few times at most, however long its runs are.
 *
 * text  valid UTF-8; start < text.length and on a character
 */
export function endOfPiece(text: Uint8Array, start: number): number {
  const kind = classAt(text, start);
  if (isLetter(kind)) return endOfWord(text, start);
  if (kind === NUMBER) return endOfNumber(text, start);

  const second = next(text, start);
  const kindOfSecond = classAt(text, second);
  // Any character but a line break may lead a word: `(light`, ` house`.
  if (kind !== NEWLINE && isWord(kindOfSecond)) {
    // A mark is no letter and may lead, but not before capitals only: the first alternative wants a lower-case
    // letter, a caseless one or a mark, and comes down to this mark alone before the second gets its turn.
    if (kind === MARK && !hasLower(text, second)) return second;
    return endOfWord(text, second);
  }
  if (kind === MARK) return withContraction(text, second);
  if (kind === OTHER) return endOfPunctuation(text, start);
  if (text[start] === 0x20 && isPunctuation(kindOfSecond)) return endOfPunctuation(text, second);
  return endOfWhite(text, start);
}

/**
 * The first two alternatives from their letters on, `at` being the first: capitals and what follows in lower case, or,
 * where no lower case follows, up to the last caseless letter or mark among the capitals, or else the capitals.
 */
function endOfWord(text: Uint8Array, at: number): number {
  let end = at;
  let lastBoth = -1;
  let kind = classAt(text, end);
  while (kind === UPPER || kind === CASELESS || kind === MARK) {
    end = next(text, end);
    if (kind !== UPPER) lastBoth = end;
    kind = classAt(text, end);
  }
  if (kind !== LOWER) return withContraction(text, lastBoth < 0 ? end : lastBoth);
  while (kind === LOWER || kind === CASELESS || kind === MARK) {
    end = next(text, end);
    kind = classAt(text, end);
  }
  return withContraction(text, end);
}

/** Whether the run of letters at `at` holds anything but capitals before it ends. */
function hasLower(text: Uint8Array, at: number): boolean {
  let end = at;
  while (classAt(text, end) === UPPER) end = next(text, end);
  return isWord(classAt(text, end));
}

/** `end`, moved past 's, 't, 're, 've, 'm, 'll or 'd in any case. */
function withContraction(text: Uint8Array, end: number): number {
  if (text[end] !== 0x27) return end;
  const first = (text[end + 1] ?? 0) | 0x20;
  // s, t, m, d
  if (first === 0x73 || first === 0x74 || first === 0x6d || first === 0x64) return end + 2;
  // ſ folds to s
  if (text[end + 1] === 0xc5 && text[end + 2] === 0xbf) return end + 3;
  const second = (text[end + 2] ?? 0) | 0x20;
  // re, ve, ll
  if ((first === 0x72 || first === 0x76) && second === 0x65) return end + 3;
  if (first === 0x6c && second === 0x6c) return end + 3;
  return end;
}

function endOfNumber(text: Uint8Array, start: number): number {
  let end = next(text, start);
  for (let digits = 1; digits < 3 && classAt(text, end) === NUMBER; digits++) end = next(text, end);
  return end;
}

function endOfPunctuation(text: Uint8Array, start: number): number {
  let end = start;
  while (isPunctuation(classAt(text, end))) end = next(text, end);
  // A slash among the line breaks: `[\r\n/]*`. Punctuation after a line break is a piece of its own.
  while (text[end] === 0x0a || text[end] === 0x0d || text[end] === 0x2f) end++;
  return end;
}

/** The last three alternatives: up to the last line break, or all but what may lead the next word. */
function endOfWhite(text: Uint8Array, start: number): number {
  let end = start;
  let last = start;
  let afterNewline = -1;
  let kind = classAt(text, end);
  while (isWhite(kind)) {
    last = end;
    end = next(text, end);
    if (kind === NEWLINE) afterNewline = end;
    kind = classAt(text, end);
  }
  if (afterNewline >= 0) return afterNewline;
  return end === text.length || last === start ? end : last;
}
