import { type Leaf, Trie } from './leaf.ts';

/**
 * Where in a JSON string a state is. `more1` to `more3` wait for that many continuation bytes; `afterE0` to `afterF4` have a
 * narrower range for the next one (no overlong forms, no surrogates, nothing past U+10FFFF). `hex*` are inside `\uXXXX`;
 * a high surrogate must go on with `\u` and a low one.
 */
const phases = [
  ...['open', 'body', 'done', 'more1', 'more2', 'more3', 'afterE0', 'afterED', 'afterF0', 'afterF4'],
  ...['escape', 'hex4', 'hex3', 'hex2', 'hex1', 'hexD', 'high2', 'high1', 'lowEscape', 'lowU', 'lowD', 'lowC'],
] as const;
const phaseNames: readonly string[] = phases;
const at = (name: string): number => phaseNames.indexOf(name);
const NUM_PHASES = 32;
const OPEN = at('open');
const BODY = at('body');
const DONE = at('done');
/** Inside a character: its last byte comes back to the body with one more character. */
const NEW = 31;

/** [phase, byte]: the next phase, NEW when a character is complete, -1 when the byte is not allowed. */
const transitions = makeTransitions();
/** Bytes from each phase to the end of the character that it is in. */
const toCharacterEnd = makeDistances();

function makeTransitions(): Int8Array {
  const table = new Int8Array(NUM_PHASES * 256).fill(-1);
  const set = (from: string, first: number, last: number, to: number | string): void => {
    const target = typeof to === 'number' ? to : at(to);
    for (let byte = first; byte <= last; byte++) table[at(from) * 256 + byte] = target;
  };
  const setAll = (from: string, characters: string, to: number | string): void => {
    for (const character of characters) set(from, character.charCodeAt(0), character.charCodeAt(0), to);
  };
  setAll('open', '"', 'body');
  set('body', 0x20, 0x7f, NEW);
  setAll('body', '"', 'done');
  setAll('body', '\\', 'escape');
  set('body', 0xc2, 0xdf, 'more1');
  set('body', 0xe1, 0xef, 'more2');
  set('body', 0xe0, 0xe0, 'afterE0');
  set('body', 0xed, 0xed, 'afterED');
  set('body', 0xf0, 0xf0, 'afterF0');
  set('body', 0xf1, 0xf3, 'more3');
  set('body', 0xf4, 0xf4, 'afterF4');
  set('more1', 0x80, 0xbf, NEW);
  set('more2', 0x80, 0xbf, 'more1');
  set('more3', 0x80, 0xbf, 'more2');
  set('afterE0', 0xa0, 0xbf, 'more1');
  set('afterED', 0x80, 0x9f, 'more1');
  set('afterF0', 0x90, 0xbf, 'more2');
  set('afterF4', 0x80, 0x8f, 'more2');
  setAll('escape', '"\\/bfnrt', NEW);
  setAll('escape', 'u', 'hex4');
  const hex = '0123456789abcdefABCDEF';
  setAll('hex4', hex, 'hex3');
  setAll('hex4', 'dD', 'hexD');
  setAll('hex3', hex, 'hex2');
  setAll('hex2', hex, 'hex1');
  setAll('hex1', hex, NEW);
  setAll('hexD', '01234567', 'hex2');
  setAll('hexD', '89abAB', 'high2');
  setAll('high2', hex, 'high1');
  setAll('high1', hex, 'lowEscape');
  setAll('lowEscape', '\\', 'lowU');
  setAll('lowU', 'u', 'lowD');
  setAll('lowD', 'dD', 'lowC');
  setAll('lowC', 'cdefCDEF', 'hex2');
  return table;
}

function makeDistances(): Uint8Array {
  const distances = new Uint8Array(NUM_PHASES);
  for (let changed = true; changed; ) {
    changed = false;
    for (let phase = at('more1'); phase < phases.length; phase++) {
      let best = 255;
      for (let byte = 0; byte < 256; byte++) {
        const to = transitions[phase * 256 + byte]!;
        if (to === NEW) best = 1;
        else if (to >= 0 && distances[to]! > 0) best = Math.min(best, 1 + distances[to]!);
      }
      if (best !== 255 && best !== distances[phase]) {
        distances[phase] = best;
        changed = true;
      }
    }
  }
  return distances;
}

/**
 * A JSON string of minLength to maxLength code points. A state is the number of characters before (counted only as far as
 * the bounds can tell) times 32, plus the phase.
 */
export class StringLeaf implements Leaf {
  readonly start = OPEN;
  readonly #min: number;
  readonly #max: number;
  /** Counting beyond this tells nothing. */
  readonly #countTo: number;

  constructor(minLength = 0, maxLength = Number.POSITIVE_INFINITY) {
    this.#min = minLength;
    this.#max = maxLength;
    this.#countTo = maxLength === Number.POSITIVE_INFINITY ? minLength : maxLength;
  }

  next(state: number, byte: number): number {
    const phase = state % NUM_PHASES;
    const count = (state - phase) / NUM_PHASES;
    const to = transitions[phase * 256 + byte]!;
    if (to < 0) return -1;
    if (to === DONE) return count >= this.#min ? DONE : -1;
    if (phase === BODY && count >= this.#max) return -1;
    if (to === NEW) return Math.min(count + 1, this.#countTo) * NUM_PHASES + BODY;
    return count * NUM_PHASES + to;
  }

  accepts(state: number): boolean {
    return state === DONE;
  }

  ends(state: number): boolean {
    return state === DONE;
  }

  distance(state: number): number {
    if (state === DONE) return 0;
    const phase = state % NUM_PHASES;
    const count = (state - phase) / NUM_PHASES;
    const inside = toCharacterEnd[phase]!;
    const missing = Math.max(0, this.#min - count - (inside > 0 ? 1 : 0));
    return (phase === OPEN ? 1 : 0) + inside + missing + 1;
  }

  /** What is left of the bounds tells all, and of them only what so many bytes can reach. */
  alike(state: number, numBytes: number): readonly [Leaf, number] {
    const phase = state % NUM_PHASES;
    const count = (state - phase) / NUM_PHASES;
    if (phase === DONE) return [anyString, DONE];
    const min = Math.min(Math.max(0, this.#min - count), numBytes + 1);
    const max = this.#max - count > numBytes ? Number.POSITIVE_INFINITY : this.#max - count;
    return [stringsOf(min, max), phase];
  }
}

/** Any string at all. */
export const anyString = new StringLeaf();

const MAX_SHARED = 1024;
const shared = new Map<string, StringLeaf>();

/** One leaf for the same bounds, so that what is kept about it serves every schema. */
function stringsOf(min: number, max: number): StringLeaf {
  if (min === 0 && max === Number.POSITIVE_INFINITY) return anyString;
  const key = `${min} ${max}`;
  let leaf = shared.get(key);
  if (leaf === undefined) {
    if (shared.size >= MAX_SHARED) shared.clear();
    leaf = new StringLeaf(min, max);
    shared.set(key, leaf);
  }
  return leaf;
}

/**
 * A JSON string that is none of `excluded`, for the names of additional properties. Characters have one spelling only (that
 * of JSON.stringify), or an excluded name could come back in escapes.
 */
export class OtherString implements Leaf {
  readonly start: number;
  readonly #characters: Leaf;
  readonly #excluded: Trie;

  constructor(characters: Leaf, excluded: Iterable<string>) {
    this.#characters = characters;
    this.#excluded = new Trie([...excluded].map((text) => JSON.stringify(text)));
    this.start = this.#pair(characters.start, this.#excluded.start);
  }

  next(state: number, byte: number): number {
    const node = Math.floor(state / 4096) - 1;
    const to = this.#characters.next(state % 4096, byte);
    if (to < 0) return -1;
    const child = node < 0 ? -1 : this.#excluded.next(node, byte);
    return child >= 0 && this.#excluded.accepts(child) ? -1 : this.#pair(to, child);
  }

  accepts(state: number): boolean {
    return this.#characters.accepts(state % 4096);
  }

  ends(state: number): boolean {
    return this.#characters.ends(state % 4096);
  }

  distance(state: number): number {
    const plain = this.#characters.distance(state % 4096);
    // One more character leaves the names that are excluded.
    return plain + (plain > 0 && state >= 4096 ? 1 : 0);
  }

  #pair(character: number, node: number): number {
    return (node + 1) * 4096 + character;
  }
}
