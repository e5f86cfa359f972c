import type { Tokenizer } from '../../tokenizer/index.ts';
import { type HeaderNode, isNode } from './header-trie.ts';

/** More ways to go on than this are not compared: nothing is forced then. */
const MAX_WAYS = 512;
const SPACE = 0x20;

/**
 * The ids that must follow a place in a header: while there is one way only, spelled as the tokenizer spells it, which is how
 * the models write it. A word that still parts into several ends the run where their spellings part.
 */
export function forcedRun(node: HeaderNode, tokenizer: Tokenizer): readonly number[] {
  const run: number[] = [];
  let text: number[] = []; // bytes behind the last control token
  let at = node;
  for (;;) {
    const [control] = at.controls;
    const [byte] = at.bytes;
    if (at.controls.size + at.bytes.size !== 1) {
      if (text.length > 0) run.push(...commonSpelling(text, at, tokenizer));
      return run;
    }
    if (byte !== undefined) {
      text.push(byte[0]);
      at = byte[1];
    } else if (control !== undefined) {
      const spelled = text.length === 0 ? [] : spell(text, tokenizer);
      if (spelled === undefined) return run;
      run.push(...spelled, control[0]);
      text = [];
      if (!isNode(control[1])) return run;
      at = control[1];
    }
  }
}

/** The tokens with which all ways to go on from `node` spell `text`. */
function commonSpelling(text: readonly number[], node: HeaderNode, tokenizer: Tokenizer): readonly number[] {
  let common: number[] | undefined;
  let numWays = 0;
  for (const way of endsOfWord(node, text.at(-1)!)) {
    const spelled = spell([...text, ...way], tokenizer);
    if (spelled === undefined || ++numWays > MAX_WAYS) return [];
    const before: readonly number[] = common ?? spelled;
    const shared = before.findIndex((id, i) => id !== spelled[i]);
    common = before.slice(0, shared < 0 ? before.length : shared); // within `text`: behind it the ways differ
    if (common.length === 0) break;
  }
  return common ?? [];
}

/** All ways to the end of the word that `last` stands in: to a control token, or to a space, which no token has behind a word. */
function* endsOfWord(node: HeaderNode, last: number, before: readonly number[] = []): Generator<readonly number[]> {
  const ends = (byte: number) => byte === SPACE && last !== SPACE;
  if (node.controls.size > 0 || [...node.bytes.keys()].some(ends)) yield before;
  for (const [byte, next] of node.bytes) if (!ends(byte)) yield* endsOfWord(next, byte, [...before, byte]);
}

/** Undefined for half a character. */
function spell(bytes: readonly number[], tokenizer: Tokenizer): number[] | undefined {
  try {
    return tokenizer.encode(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)));
  } catch {
    return undefined;
  }
}
