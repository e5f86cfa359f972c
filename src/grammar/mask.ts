import type { ByteAutomaton, State } from './automaton.ts';
import { StackAutomaton, type Thread } from './automaton.ts';
import type { Leaf } from './leaf.ts';
import type { TokenTable } from './trie.ts';

/** What a leaf's state does with all tokens: the same wherever the leaf stands, so it is worked out once for all. */
interface Inside {
  /** Tokens that stay inside the leaf, in words of 32 … */
  readonly words: Uint32Array | undefined;
  /** … or, when they are few, one by one. */
  readonly ids: Uint32Array;
  /** Nodes of the trie at which the leaf may be left: their subtrees depend on what follows. */
  readonly exits: Uint32Array;
}

/** More ids than this are kept as words: what both take is then about the same. */
const FEW = 4096;
/** Per vocabulary; a mask of 201,088 bits takes 25 KB. */
const MAX_INSIDES = 1024;
const MAX_AFTERS = 4096;
const MAX_WHOLES = 256;
/** With more ways to read a text than this, putting their tokens together costs more than keeping the mask. */
const FEW_THREADS = 8;

interface Kept {
  insides: Map<Leaf, Map<number, Inside>>;
  numInsides: number;
  /** By state after the leaf, then by the exits: the tokens that go on. */
  afters: WeakMap<State, Map<Inside, Uint32Array>>;
  numAfters: number;
  wholes: WeakMap<State, Uint32Array>;
  numWholes: number;
}

const kept = new WeakMap<TokenTable, Kept>();

/** Adds to `mask` (bit i % 32 of word i / 32) each token whose bytes all step through the automaton from `state`. */
export function allowedTokens(table: TokenTable, automaton: ByteAutomaton, state: State, mask: Uint32Array): void {
  if (mask.length * 32 < table.vocabSize) {
    throw new RangeError(
      `A mask for ${table.vocabSize} tokens takes ${Math.ceil(table.vocabSize / 32)} words, not ${mask.length}`,
    );
  }
  if (!(automaton instanceof StackAutomaton)) throw new TypeError('The automaton does not come from compileSchema');
  if (state.threads.length <= FEW_THREADS) {
    for (const thread of state.threads) addThread(table, automaton, thread, mask);
  } else addWords(mask, wholeOf(table, automaton, state));
}

/** Where many properties or branches begin, the whole mask is kept. */
function wholeOf(table: TokenTable, automaton: StackAutomaton, state: State): Uint32Array {
  const all = keptFor(table);
  let words = all.wholes.get(state);
  if (words === undefined) {
    if (all.numWholes >= MAX_WHOLES) {
      all.wholes = new WeakMap();
      all.numWholes = 0;
    }
    words = new Uint32Array(Math.ceil(table.vocabSize / 32));
    for (const thread of state.threads) addThread(table, automaton, thread, words);
    all.wholes.set(state, words);
    all.numWholes++;
  }
  return words;
}

/** All threads lead to the end of some text, so what any of them allows is allowed. */
function addThread(table: TokenTable, automaton: StackAutomaton, thread: Thread, mask: Uint32Array): void {
  const inside = insideOf(table, thread);
  if (inside.words === undefined) addIds(mask, inside.ids);
  else addWords(mask, inside.words);
  if (inside.exits.length === 0) return;
  addIds(mask, afterOf(table, automaton, inside, automaton.after(thread.rest)));
}

function addWords(mask: Uint32Array, words: Uint32Array): void {
  for (let i = 0; i < words.length; i++) mask[i]! |= words[i]!;
}

function addIds(mask: Uint32Array, ids: Uint32Array): void {
  for (const id of ids) mask[id >> 5]! |= 1 << (id & 31);
}

function keptFor(table: TokenTable): Kept {
  let result = kept.get(table);
  if (result === undefined) {
    result = {
      insides: new Map(),
      numInsides: 0,
      afters: new WeakMap(),
      numAfters: 0,
      wholes: new WeakMap(),
      numWholes: 0,
    };
    kept.set(table, result);
  }
  return result;
}

function insideOf(table: TokenTable, thread: Thread): Inside {
  const all = keptFor(table);
  const [leaf, at] = thread.leaf.alike?.(thread.at, table.longest) ?? [thread.leaf, thread.at];
  let states = all.insides.get(leaf);
  const known = states?.get(at);
  if (known !== undefined) return known;
  if (all.numInsides >= MAX_INSIDES) {
    all.insides.clear();
    all.numInsides = 0;
    states = undefined;
  }
  if (states === undefined) {
    states = new Map();
    all.insides.set(leaf, states);
  }
  const result = walkInside(table, leaf, at);
  states.set(at, result);
  all.numInsides++;
  return result;
}

function afterOf(table: TokenTable, automaton: StackAutomaton, inside: Inside, state: State): Uint32Array {
  const all = keptFor(table);
  let known = all.afters.get(state);
  const result = known?.get(inside);
  if (result !== undefined) return result;
  if (all.numAfters >= MAX_AFTERS) {
    all.afters = new WeakMap();
    all.numAfters = 0;
    known = undefined;
  }
  if (known === undefined) {
    known = new Map();
    all.afters.set(state, known);
  }
  const ids = walkAfter(table, automaton, inside.exits, state);
  known.set(inside, ids);
  all.numAfters++;
  return ids;
}

/** One walk over the trie with nothing but the leaf. */
function walkInside(table: TokenTable, leaf: Leaf, at: number): Inside {
  const { bytes, ends, firstIds, ids, numNodes } = table;
  const found: number[] = [];
  const exits: number[] = [];
  const states = [at];
  const until = [numNodes]; // by depth: where the subtree ends
  let depth = 0;
  for (let node = 1; node < numNodes; ) {
    while (node >= until[depth]!) depth--;
    const to = leaf.next(states[depth]!, bytes[node]!);
    const end = ends[node]!;
    if (to < 0) {
      node = end;
      continue;
    }
    for (let i = firstIds[node]!; i < firstIds[node + 1]!; i++) found.push(ids[i]!);
    if (end > node + 1) {
      if (leaf.accepts(to)) exits.push(node);
      depth++;
      states[depth] = to;
      until[depth] = end;
    }
    node++;
  }
  const few = found.length <= FEW;
  const words = few ? undefined : new Uint32Array(Math.ceil(table.vocabSize / 32));
  if (words) addIds(words, Uint32Array.from(found));
  return { words, ids: Uint32Array.from(few ? found : []), exits: Uint32Array.from(exits) };
}

/** Goes on below each exit with the whole automaton. */
function walkAfter(table: TokenTable, automaton: StackAutomaton, exits: Uint32Array, state: State): Uint32Array {
  const { bytes, ends, firstIds, ids } = table;
  const found: number[] = [];
  for (const exit of exits) {
    const states = [state];
    const until = [ends[exit]!];
    let depth = 0;
    for (let node = exit + 1; node < ends[exit]!; ) {
      while (node >= until[depth]!) depth--;
      const to = automaton.next(states[depth]!, bytes[node]!);
      const end = ends[node]!;
      if (to === undefined) {
        node = end;
        continue;
      }
      for (let i = firstIds[node]!; i < firstIds[node + 1]!; i++) found.push(ids[i]!);
      if (end > node + 1) {
        depth++;
        states[depth] = to;
        until[depth] = end;
      }
      node++;
    }
  }
  return Uint32Array.from(found);
}
