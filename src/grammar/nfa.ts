import { OssiaError } from '../base/index.ts';
import type { Leaf } from './leaf.ts';

const MAX_NFA_STATES = 30_000;
const MAX_DFA_STATES = 16_000;
/** Sum of the sizes of the sets behind the states: what building takes in time and memory. */
const MAX_WORK = 4_000_000;

/** What an edge without a byte asks for: nothing, the start of the text, or its end. */
export type Assertion = 'none' | 'start' | 'end';

/** A nondeterministic automaton over bytes, built by its users state by state; state 0 is the start. */
export class Nfa {
  readonly bytes: [first: number, last: number, to: number][][] = [[]];
  readonly jumps: [assertion: Assertion, to: number][][] = [[]];

  state(): number {
    if (this.bytes.length >= MAX_NFA_STATES) throw tooLarge('the pattern');
    this.jumps.push([]);
    return this.bytes.push([]) - 1;
  }

  edge(from: number, first: number, last: number, to: number): void {
    this.bytes[from]!.push([first, last, to]);
  }

  jump(from: number, to: number, assertion: Assertion = 'none'): void {
    this.jumps[from]!.push([assertion, to]);
  }

  /** The states that `from` reaches without a byte, in order. */
  closure(from: Iterable<number>, holds: { start: boolean; end: boolean }): number[] {
    const seen = new Set(from);
    for (const state of seen) {
      for (const [assertion, to] of this.jumps[state]!) {
        if (assertion === 'none' || holds[assertion]) seen.add(to);
      }
    }
    return [...seen].sort((a, b) => a - b);
  }
}

export function tooLarge(what: string): OssiaError {
  return new OssiaError('grammar/unsupported-schema', `Cannot make a finite automaton: ${what} needs too many states`);
}

/** A deterministic automaton as a table. */
export class Dfa implements Leaf {
  readonly start: number;
  /** [states, 256], -1 where no byte goes. */
  readonly #table: Int16Array;
  readonly #distance: Float64Array;
  readonly #ends: Uint8Array;

  private constructor(table: Int16Array, start: number, accepting: Uint8Array) {
    this.#distance = distances(table, accepting);
    for (let i = 0; i < table.length; i++) {
      if (table[i]! >= 0 && this.#distance[table[i]!] === Number.POSITIVE_INFINITY) table[i] = -1;
    }
    this.#ends = new Uint8Array(accepting.length).map((_, state) =>
      table.subarray(state * 256, state * 256 + 256).every((to) => to < 0) ? 1 : 0,
    );
    this.#table = table;
    this.start = start;
  }

  /** Bytes by which `nfa` reaches `final`. Throws `grammar/unsupported-schema` when that takes too many states. */
  static fromNfa(nfa: Nfa, final: number): Dfa {
    let work = 0;
    return Dfa.#explore(nfa.closure([0], { start: true, end: false }), {
      key: (set) => {
        work += set.length;
        if (work > MAX_WORK) throw tooLarge('the pattern');
        return set.join();
      },
      next: (set) => nextSets(nfa, set),
      accepts: (set) => nfa.closure(set, { start: false, end: true }).includes(final),
    });
  }

  /** What both accept. */
  static both(a: Leaf, b: Leaf): Dfa {
    return Dfa.#explore<[number, number]>([a.start, b.start], {
      key: (pair) => pair.join(),
      next:
        ([x, y]) =>
        (byte) => {
          const [p, q] = [a.next(x, byte), b.next(y, byte)];
          return p < 0 || q < 0 ? undefined : [p, q];
        },
      accepts: ([x, y]) => a.accepts(x) && b.accepts(y),
    });
  }

  static #explore<T>(
    start: T,
    of: { key(state: T): string; next(state: T): (byte: number) => T | undefined; accepts(state: T): boolean },
  ): Dfa {
    const numbers = new Map([[of.key(start), 0]]);
    const states = [start];
    const rows: Int16Array[] = [];
    for (let i = 0; i < states.length; i++) {
      const row = new Int16Array(256).fill(-1);
      const next = of.next(states[i]!);
      let last: T | undefined;
      for (let byte = 0; byte < 256; byte++) {
        const to = next(byte);
        if (to === undefined) {
          last = undefined;
          continue;
        }
        if (to === last) {
          row[byte] = row[byte - 1]!;
          continue;
        }
        last = to;
        const key = of.key(to);
        let number = numbers.get(key);
        if (number === undefined) {
          number = states.push(to) - 1;
          if (number >= MAX_DFA_STATES) throw tooLarge('it');
          numbers.set(key, number);
        }
        row[byte] = number;
      }
      rows.push(row);
    }
    const table = new Int16Array(rows.length * 256);
    for (const [i, row] of rows.entries()) table.set(row, i * 256);
    return new Dfa(
      table,
      0,
      Uint8Array.from(states, (state) => (of.accepts(state) ? 1 : 0)),
    );
  }

  get numStates(): number {
    return this.#ends.length;
  }

  next(state: number, byte: number): number {
    return this.#table[state * 256 + byte]!;
  }

  accepts(state: number): boolean {
    return this.#distance[state] === 0;
  }

  ends(state: number): boolean {
    return this.#ends[state] === 1;
  }

  /** Infinity at the start of an automaton that accepts nothing. */
  distance(state: number): number {
    return this.#distance[state]!;
  }
}

/** The set after each byte; bytes between the same borders share one. */
function nextSets(nfa: Nfa, set: readonly number[]): (byte: number) => number[] | undefined {
  const borders = new Set<number>([0]);
  const edges = set.flatMap((state) => nfa.bytes[state]!);
  for (const [first, last] of edges) {
    borders.add(first);
    borders.add(last + 1);
  }
  const sets: (number[] | undefined)[] = [];
  let current: number[] | undefined;
  for (let byte = 0; byte < 256; byte++) {
    if (borders.has(byte)) {
      const to = edges.filter(([first, last]) => first <= byte && byte <= last).map(([, , target]) => target);
      current = to.length === 0 ? undefined : nfa.closure(to, { start: false, end: false });
    }
    sets.push(current);
  }
  return (byte) => sets[byte];
}

/** Bytes from each state to the nearest accepting one, by going backwards. */
function distances(table: Int16Array, accepting: Uint8Array): Float64Array {
  const result = new Float64Array(accepting.length).fill(Number.POSITIVE_INFINITY);
  const before: Set<number>[] = Array.from(accepting, () => new Set());
  for (let i = 0; i < table.length; i++) {
    if (table[i]! >= 0) before[table[i]!]!.add(i >> 8);
  }
  const queue: number[] = [];
  for (const [state, is] of accepting.entries()) {
    if (is === 1) {
      result[state] = 0;
      queue.push(state);
    }
  }
  for (const state of queue) {
    for (const from of before[state]!) {
      if (result[from] !== Number.POSITIVE_INFINITY) continue;
      result[from] = result[state]! + 1;
      queue.push(from);
    }
  }
  return result;
}
