import type { Leaf } from './leaf.ts';
import { type Item, isRule, type Rule, shortestOf } from './nodes.ts';

/**
 * Which byte may come next in a text. States never change, so going back is to use an older one, and equal ones are the
 * same object as a rule, so that masks can be kept by state.
 */
export interface ByteAutomaton {
  readonly start: State;
  /** Undefined: the byte is not allowed. */
  next(state: State, byte: number): State | undefined;
  /** Whether the text so far is a complete value. */
  accepts(state: State): boolean;
  /** Whether nothing but the end may follow. */
  isFinal(state: State): boolean;
  /** Bytes that complete the value, at most so many; 0 where it is complete. An upper bound, nearly always the least. */
  distance(state: State): number;
}

/** What is still to come: an item and what follows it. Undefined is the end of the text. */
export interface Rest {
  readonly item: Item;
  readonly after: Rest | undefined;
  readonly shortest: number;
  /** Where this may begin, once it is known. */
  begin: Beginning | undefined;
  /** Interned by item: the cells that have this one after them. */
  before: Map<Item, Rest> | undefined;
}

/** One way to read the text so far: inside `leaf`, with `rest` after it. */
export interface Thread {
  readonly leaf: Leaf;
  readonly at: number;
  readonly rest: Rest | undefined;
}

interface Beginning {
  readonly threads: readonly Thread[];
  /** Whether all of it may be empty. */
  readonly ends: boolean;
}

/** All ways to read the text so far. Opaque outside this folder. */
export interface State {
  /** Equal for the same object only. */
  readonly key: number;
  readonly threads: readonly Thread[];
  readonly complete: boolean;
  readonly steps: Map<number, State | undefined>;
}

const atEnd: Beginning = { threads: [], ends: true };
/** Kept states before all are forgotten. Forgetting is safe: it costs time, and states in use stay valid. */
const MAX_STATES = 50_000;
const MAX_CELLS = 500_000;

/** A machine with a stack, made deterministic as it is used. */
export class StackAutomaton implements ByteAutomaton {
  readonly start: State;
  #states = new Map<string, State>();
  #ids = new Map<object, number>();
  #roots = new Map<Item, Rest>();
  #cells: Rest[] = [];
  #numStates = 0;

  constructor(root: Rule) {
    this.start = this.#state(this.begin(this.#cell(root, undefined)).threads, false);
  }

  next(state: State, byte: number): State | undefined {
    const known = state.steps.get(byte);
    if (known !== undefined || state.steps.has(byte)) return known;
    const threads: Thread[] = [];
    let complete = false;
    for (const { leaf, at, rest } of state.threads) {
      const to = leaf.next(at, byte);
      if (to < 0) continue;
      if (!leaf.ends(to)) threads.push({ leaf, at: to, rest });
      if (!leaf.accepts(to)) continue;
      const beginning = this.begin(rest);
      threads.push(...beginning.threads);
      complete ||= beginning.ends;
    }
    const result = threads.length === 0 && !complete ? undefined : this.#state(threads, complete);
    state.steps.set(byte, result);
    return result;
  }

  accepts(state: State): boolean {
    return state.complete;
  }

  isFinal(state: State): boolean {
    return state.threads.length === 0;
  }

  distance(state: State): number {
    if (state.complete) return 0;
    let least = Number.POSITIVE_INFINITY;
    for (const { leaf, at, rest } of state.threads) {
      least = Math.min(least, leaf.distance(at) + (rest?.shortest ?? 0));
    }
    return least;
  }

  /** The state in which nothing but `rest` is left. */
  after(rest: Rest | undefined): State {
    const { threads, ends } = this.begin(rest);
    return this.#state(threads, ends);
  }

  begin(rest: Rest | undefined): Beginning {
    if (rest === undefined) return atEnd;
    rest.begin ??= this.#expand(rest);
    return rest.begin;
  }

  /** Opens rules until a leaf is at the front. Cells seen before are not opened again, so left recursion ends. */
  #expand(first: Rest): Beginning {
    const threads: Thread[] = [];
    let ends = false;
    const seen = new Set<Rest>([first]);
    for (const cell of seen) {
      if (!isRule(cell.item)) {
        threads.push({ leaf: cell.item, at: cell.item.start, rest: cell.after });
        continue;
      }
      for (const way of cell.item.ways()) {
        let rest = cell.after;
        for (let i = way.length - 1; i >= 0; i--) rest = this.#cell(way[i]!, rest);
        if (rest === undefined) ends = true;
        else seen.add(rest);
      }
    }
    return { threads, ends };
  }

  #cell(item: Item, after: Rest | undefined): Rest {
    if (after !== undefined) after.before ??= new Map();
    const cells = after?.before ?? this.#roots;
    let cell = cells.get(item);
    if (cell === undefined) {
      const shortest = shortestOf(item) + (after?.shortest ?? 0);
      cell = { item, after, shortest, begin: undefined, before: undefined };
      cells.set(item, cell);
      this.#cells.push(cell);
    }
    return cell;
  }

  #state(threads: readonly Thread[], complete: boolean): State {
    if (this.#states.size >= MAX_STATES || this.#cells.length >= MAX_CELLS) this.#forget();
    const byKey = new Map<string, Thread>();
    for (const thread of threads) {
      byKey.set(`${this.#id(thread.leaf)}.${thread.at}.${thread.rest ? this.#id(thread.rest) : ''}`, thread);
    }
    const key = `${complete ? '+' : ''}${[...byKey.keys()].sort().join()}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      state = { key: this.#numStates++, threads: [...byKey.values()], complete, steps: new Map() };
      this.#states.set(key, state);
    }
    return state;
  }

  #id(thing: object): number {
    let id = this.#ids.get(thing);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(thing, id);
    }
    return id;
  }

  /** Cuts what was kept apart, so that what no state in use needs is free. */
  #forget(): void {
    for (const state of this.#states.values()) state.steps.clear();
    for (const cell of this.#cells) {
      cell.begin = undefined;
      cell.before = undefined;
    }
    this.#states = new Map();
    this.#ids = new Map();
    this.#roots = new Map();
    this.#cells = [];
  }
}
