import type { Nfa } from './nfa.ts';

/** Ranges of code points, both ends included, in order and apart. */
export type CodePoints = readonly (readonly [first: number, last: number])[];

const LAST = 0x10ffff;
const SURROGATES: CodePoints = [[0xd800, 0xdfff]];

export const everything: CodePoints = [[0, LAST]];
export const digits: CodePoints = [[0x30, 0x39]];
export const wordCharacters: CodePoints = [...digits, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
export const lineEnds: CodePoints = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];
/** What `\s` is in JavaScript. */
export const spaces: CodePoints = [
  [9, 13],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];

export function union(sets: readonly CodePoints[]): CodePoints {
  const result: [number, number][] = [];
  for (const [first, last] of sets.flat().sort((a, b) => a[0] - b[0])) {
    const previous = result.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else result.push([first, last]);
  }
  return result;
}

export function complement(set: CodePoints): CodePoints {
  const result: [number, number][] = [];
  let next = 0;
  for (const [first, last] of union([set])) {
    if (first > next) result.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST) result.push([next, LAST]);
  return result;
}

/** Adds to `nfa` the ways from one state to another by a character of `set`, as JSON.stringify would write it in a string. */
export function addCharacters(nfa: Nfa, from: number, to: number, set: CodePoints): void {
  const escaped: CodePoints = [
    [0, 0x1f],
    [0x22, 0x22],
    [0x5c, 0x5c],
  ];
  for (const [first, last] of complement(union([complement(set), escaped, SURROGATES]))) {
    addUtf8(nfa, from, to, first, last);
  }
  for (const [first, last] of complement(union([complement(set), complement(escaped)]))) {
    for (let codePoint = first; codePoint <= last; codePoint++) {
      addText(nfa, from, to, JSON.stringify(String.fromCodePoint(codePoint)).slice(1, -1));
    }
  }
}

function addText(nfa: Nfa, from: number, to: number, text: string): void {
  let state = from;
  for (let i = 0; i < text.length; i++) {
    const next = i === text.length - 1 ? to : nfa.state();
    nfa.edge(state, text.charCodeAt(i), text.charCodeAt(i), next);
    state = next;
  }
}

/** Splits the range until each byte has a range of its own, whatever the other bytes are. */
function addUtf8(nfa: Nfa, from: number, to: number, first: number, last: number): void {
  for (const border of [0x7f, 0x7ff, 0xffff]) {
    if (first <= border && border < last) {
      addUtf8(nfa, from, to, first, border);
      addUtf8(nfa, from, to, border + 1, last);
      return;
    }
  }
  const numBytes = utf8(first).length;
  for (let i = 1; i < numBytes; i++) {
    const low = 2 ** (6 * i) - 1;
    if ((first | low) === (last | low)) continue;
    const split = (first & low) !== 0 ? first | low : (last & low) !== low ? (last & ~low) - 1 : undefined;
    if (split === undefined) continue;
    addUtf8(nfa, from, to, first, split);
    addUtf8(nfa, from, to, split + 1, last);
    return;
  }
  const [firsts, lasts] = [utf8(first), utf8(last)];
  let state = from;
  for (let i = 0; i < numBytes; i++) {
    const next = i === numBytes - 1 ? to : nfa.state();
    nfa.edge(state, firsts[i]!, lasts[i]!, next);
    state = next;
  }
}

function utf8(codePoint: number): Uint8Array {
  return new TextEncoder().encode(String.fromCodePoint(codePoint));
}
