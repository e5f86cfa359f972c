/**
 * The headers that a message may have, as one tree of bytes and control tokens. Words are matched as bytes, because names
 * merge with what surrounds them (`functions` `.get` `_weather`) and other splits of the same bytes are legal.
 */
import type { TokenTable } from '../../grammar/index.ts';
import { CONTROL, type ControlIds, type ControlName } from '../format.ts';
import type { TurnPlan } from './options.ts';
import { allow } from './vocabulary.ts';

/** What follows a header. */
export type Body =
  | { readonly kind: 'thought' }
  | { readonly kind: 'preamble' }
  | { readonly kind: 'answer' }
  /** `index`: which of the plan's functions. */
  | { readonly kind: 'function'; readonly index: number }
  | { readonly kind: 'builtin'; readonly name: string };

/** A place in a header. */
export interface HeaderNode {
  readonly bytes: Map<number, HeaderNode>;
  /** Control tokens by id; one that ends the header leads to a body. */
  readonly controls: Map<number, HeaderNode | Body>;
}

/** What of a plan headers depend on. */
export type HeaderPlan = Pick<TurnPlan, 'functions' | 'builtins' | 'mustCall'>;

/** What of a plan is still open at the beginning of a message. */
export interface HeaderRules {
  readonly thoughts: boolean;
  readonly preamble: boolean;
  /** False: nothing but the answer, where one may come. */
  readonly calls: boolean;
}

type Piece = string | { readonly control: ControlName };

const MARKED_JSON: readonly Piece[] = [' ', { control: 'constrain' }, 'json'];
/** Content types as the models write them. None is held against a body: the schema says what that is. */
const FUNCTION_TYPES: readonly (readonly Piece[])[] = [MARKED_JSON, [' json'], [' code'], []];
const BROWSER_TYPES: readonly (readonly Piece[])[] = [[' code'], [' json'], []];
const PYTHON_TYPES: readonly (readonly Piece[])[] = [[' code'], []];

/** The tree of headers behind `<|start|>assistant`, always with the channel first: that is how the models write them. */
export function headerTrie(plan: HeaderPlan, rules: HeaderRules, control: ControlIds): HeaderNode {
  const root = newNode();
  const add = (body: Body, ...pieces: readonly Piece[]) =>
    addPath(root, [{ control: 'channel' }, ...pieces, { control: 'message' }], body, control);

  if (rules.thoughts) add({ kind: 'thought' }, 'analysis');
  if (rules.preamble) add({ kind: 'preamble' }, 'commentary');
  // No content type on final, not even for JSON: the official parser takes it for a recipient.
  if (!plan.mustCall) add({ kind: 'answer' }, 'final');
  if (!rules.calls && !plan.mustCall) return root;
  for (const [index, { name }] of plan.functions.entries()) {
    const body: Body = { kind: 'function', index };
    for (const type of FUNCTION_TYPES) {
      add(body, `commentary to=functions.${name}`, ...type);
      if (rules.thoughts) add(body, `analysis to=functions.${name}`, ...type);
    }
  }
  // Builtins have no channel but that of thoughts. Where no thought may come, `analysis` would have to become a call, which the
  // model did not mean, so it is open only where a builtin is all that there is to call.
  if (!rules.thoughts && !(plan.mustCall && plan.functions.length === 0)) return root;
  for (const name of plan.builtins) {
    const types = name.startsWith('browser') ? BROWSER_TYPES : PYTHON_TYPES;
    for (const type of types) add({ kind: 'builtin', name }, `analysis to=${name}`, ...type);
  }
  return root;
}

/** `<|start|>assistant`, then a header. */
export function betweenMessages(header: HeaderNode, control: ControlIds): HeaderNode {
  const root = newNode();
  const word = new TextEncoder().encode('assistant');
  const start = newNode();
  root.controls.set(control.start, start);
  let node = start;
  word.forEach((byte, i) => {
    const next = i === word.length - 1 ? header : newNode();
    node.bytes.set(byte, next);
    node = next;
  });
  return root;
}

/** Adds what may come at a place in a header to a mask: control tokens, and each token whose bytes stay within the tree. */
export function allowInHeader(table: TokenTable, node: HeaderNode, mask: Uint32Array): void {
  for (const id of node.controls.keys()) allow(mask, id);
  allowBytes(table, { from: 1, to: table.numNodes }, node, mask);
}

/** Goes down the tree of headers and the tree of tokens together; `from` … `to` are sisters in the latter. */
function allowBytes(
  table: TokenTable,
  { from, to }: { readonly from: number; readonly to: number },
  header: HeaderNode,
  mask: Uint32Array,
): void {
  if (header.bytes.size === 0) return;
  for (let at = from; at < to; at = table.ends[at]!) {
    const next = header.bytes.get(table.bytes[at]!);
    if (next === undefined) continue;
    for (let i = table.firstIds[at]!; i < table.firstIds[at + 1]!; i++) allow(mask, table.ids[i]!);
    allowBytes(table, { from: at + 1, to: table.ends[at]! }, next, mask);
  }
}

export function isNode(target: HeaderNode | Body): target is HeaderNode {
  return 'bytes' in target;
}

function addPath(root: HeaderNode, pieces: readonly Piece[], body: Body, control: ControlIds): void {
  let node = root;
  for (const [i, piece] of pieces.entries()) {
    if (typeof piece === 'string') {
      for (const byte of new TextEncoder().encode(piece)) node = step(node.bytes, byte);
    } else if (i === pieces.length - 1) {
      node.controls.set(control[piece.control], body);
    } else {
      node = stepControl(node, control[piece.control], piece.control);
    }
  }
}

function step(edges: Map<number, HeaderNode>, key: number): HeaderNode {
  const next = edges.get(key) ?? newNode();
  edges.set(key, next);
  return next;
}

function stepControl(node: HeaderNode, id: number, name: ControlName): HeaderNode {
  const next = node.controls.get(id) ?? newNode();
  if (!isNode(next)) throw new TypeError(`Two headers differ behind ${CONTROL[name]} only`);
  node.controls.set(id, next);
  return next;
}

function newNode(): HeaderNode {
  return { bytes: new Map(), controls: new Map() };
}
