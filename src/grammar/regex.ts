import { addCharacters, everything } from './code-points.ts';
import type { Leaf } from './leaf.ts';
import { Dfa, Nfa } from './nfa.ts';
import { parseRegex, type Regex } from './regex-parse.ts';

const QUOTE = 0x22;
const OPEN = 0;
const DONE = 1;

/** Quotes around what another automaton accepts. */
export class Quoted implements Leaf {
  readonly start = OPEN;
  readonly #inside: Dfa;

  constructor(inside: Dfa) {
    this.#inside = inside;
  }

  get numStates(): number {
    return this.#inside.numStates;
  }

  next(state: number, byte: number): number {
    if (state === OPEN) return byte === QUOTE ? this.#inside.start + 2 : -1;
    if (state === DONE) return -1;
    const to = this.#inside.next(state - 2, byte);
    if (to >= 0) return to + 2;
    return byte === QUOTE && this.#inside.accepts(state - 2) ? DONE : -1;
  }

  accepts(state: number): boolean {
    return state === DONE;
  }

  ends(state: number): boolean {
    return state === DONE;
  }

  distance(state: number): number {
    if (state === DONE) return 0;
    return state === OPEN ? this.#inside.distance(this.#inside.start) + 2 : this.#inside.distance(state - 2) + 1;
  }
}

/** JSON strings in which `pattern` is found, as JSON Schema means it: anywhere, unless it has anchors. */
export function patternStrings(pattern: string): Quoted {
  const nfa = new Nfa();
  const [begin, end, final] = [nfa.state(), nfa.state(), nfa.state()];
  addCharacters(nfa, 0, 0, everything);
  nfa.jump(0, begin);
  add(nfa, begin, end, parseRegex(pattern));
  addCharacters(nfa, final, final, everything);
  nfa.jump(end, final);
  return new Quoted(Dfa.fromNfa(nfa, final));
}

/** JSON strings of any characters, each spelled as JSON.stringify would. */
export const plainStrings = patternStrings('');

/** Texts that are `pattern` from end to end, with no quotes around them. */
export function exactText(pattern: string): Dfa {
  const nfa = new Nfa();
  const final = nfa.state();
  add(nfa, 0, final, parseRegex(pattern));
  return Dfa.fromNfa(nfa, final);
}

function add(nfa: Nfa, from: number, to: number, regex: Regex): void {
  switch (regex.kind) {
    case 'set':
      addCharacters(nfa, from, to, regex.set);
      return;
    case 'assert':
      nfa.jump(from, to, regex.at);
      return;
    case 'one':
      for (const part of regex.parts) add(nfa, from, to, part);
      return;
    case 'all': {
      let state = from;
      for (const part of regex.parts) {
        const next = nfa.state();
        add(nfa, state, next, part);
        state = next;
      }
      nfa.jump(state, to);
      return;
    }
    case 'repeat':
      addRepeat(nfa, from, to, regex);
  }
}

function addRepeat(nfa: Nfa, from: number, to: number, regex: Regex & { kind: 'repeat' }): void {
  let state = from;
  const once = (): void => {
    const next = nfa.state();
    add(nfa, state, next, regex.part);
    state = next;
  };
  for (let i = 0; i < regex.min; i++) once();
  if (regex.max === Number.POSITIVE_INFINITY) {
    const loop = nfa.state();
    nfa.jump(state, loop);
    add(nfa, loop, loop, regex.part);
    nfa.jump(loop, to);
    return;
  }
  for (let i = regex.min; i < regex.max; i++) {
    nfa.jump(state, to);
    once();
  }
  nfa.jump(state, to);
}
