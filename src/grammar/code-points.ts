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

/** What stands for itself in no JSON string. */
const escaped: CodePoints = [
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];

/** Adds to `nfa` the ways from one state to another by a character of `set`, as JSON.stringify would write it in a string. */
export function addCharacters(nfa: Nfa, from: number, to: number, set: CodePoints): void {
  if (set.every(isPlain)) {
    for (const [first, last] of union([set])) nfa.edge(from, first, last, to); // digits, most of all
    return;
  }
  const ways: Ranges[] = [];
  for (const [first, last] of complement(union([complement(set), escaped, SURROGATES]))) splitUtf8(first, last, ways);
  for (const [first, last] of complement(union([complement(set), complement(escaped)]))) {
    for (let codePoint = first; codePoint <= last; codePoint++) {
      pushEscape(ways, new TextEncoder().encode(JSON.stringify(String.fromCodePoint(codePoint)).slice(1, -1)));
    }
  }
  const shared = new Map<string, number>(); // by what is left of a way: a state before it
  for (const way of ways) addWay(nfa, from, to, way, shared);
}

/** Whether each character of a range is one byte in a JSON string. */
function isPlain([first, last]: readonly [first: number, last: number]): boolean {
  const holds = (character: number) => first <= character && character <= last;
  return first >= 0x20 && last <= 0x7f && !holds(0x22) && !holds(0x5c);
}

/** A range for each byte, whatever the others are. */
type Ranges = readonly (readonly [first: number, last: number])[];

/** One way for `\\u0010` to `\\u0019`, as they differ in the last byte only. */
function pushEscape(ways: Ranges[], bytes: Uint8Array): void {
  const previous = ways.at(-1);
  const last = bytes.length - 1;
  const goesOn = previous?.length === bytes.length && previous[last]![1] + 1 === bytes[last];
  if (goesOn && previous.every(([first], i) => i === last || first === bytes[i])) {
    ways[ways.length - 1] = [...previous.slice(0, -1), [previous[last]![0], bytes[last]!]];
  } else ways.push([...bytes].map((byte) => [byte, byte]));
}

function addWay(nfa: Nfa, from: number, to: number, way: Ranges, shared: Map<string, number>): void {
  let after = to;
  for (let i = way.length - 1; i > 0; i--) {
    const left = way.slice(i).join();
    let state = shared.get(left);
    if (state === undefined) {
      state = nfa.state();
      shared.set(left, state);
      nfa.edge(state, way[i]![0], way[i]![1], after);
    }
    after = state;
  }
  nfa.edge(from, way[0]![0], way[0]![1], after);
}

function splitUtf8(first: number, last: number, ways: Ranges[]): void {
  for (const border of [0x7f, 0x7ff, 0xffff]) {
    if (first <= border && border < last) {
      splitUtf8(first, border, ways);
      splitUtf8(border + 1, last, ways);
      return;
    }
  }
  const numBytes = utf8(first).length;
  for (let i = 1; i < numBytes; i++) {
    const low = 2 ** (6 * i) - 1;
    if ((first | low) === (last | low)) continue;
    const split = (first & low) !== 0 ? first | low : (last & low) !== low ? (last & ~low) - 1 : undefined;
    if (split === undefined) continue;
    splitUtf8(first, split, ways);
    splitUtf8(split + 1, last, ways);
    return;
  }
  const lasts = utf8(last);
  ways.push([...utf8(first)].map((byte, i) => [byte, lasts[i]!]));
}

function utf8(codePoint: number): Uint8Array {
  return new TextEncoder().encode(String.fromCodePoint(codePoint));
}
