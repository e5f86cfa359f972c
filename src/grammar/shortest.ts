import type { ByteAutomaton, State } from './automaton.ts';
import type { TokenTable } from './trie.ts';

/** Longer texts are nobody's shortest answer: it would take too long to spell them out. */
const MAX_BYTES = 1 << 16;

/**
 * The bytes of a shortest text that completes the value from `state`, [distance], the lowest byte first among equals. Undefined
 * where it is very long, and where `distance` is not the least, so that no byte comes nearer.
 */
export function shortestText(
  automaton: ByteAutomaton,
  state: State = automaton.start,
): Uint8Array<ArrayBuffer> | undefined {
  const bytes: number[] = [];
  let at = state;
  for (let left = automaton.distance(at); left > 0; ) {
    if (!(left <= MAX_BYTES)) return undefined;
    let best: { byte: number; state: State; left: number } | undefined;
    for (let byte = 0; byte < 256; byte++) {
      const next = automaton.next(at, byte);
      if (next === undefined) continue;
      const distance = automaton.distance(next);
      if (distance < (best?.left ?? left)) best = { byte, state: next, left: distance };
      if (best?.left === left - 1) break; // no byte takes more than one step
    }
    if (best === undefined) return undefined;
    bytes.push(best.byte);
    at = best.state;
    left = best.left;
  }
  return Uint8Array.from(bytes);
}

/** The least number of tokens that together are these bytes; infinite where the vocabulary cannot spell them. */
export function fewestTokens(table: TokenTable, bytes: Uint8Array): number {
  const least = new Float64Array(bytes.length + 1).fill(Number.POSITIVE_INFINITY); // by bytes covered
  least[0] = 0;
  for (let from = 0; from < bytes.length; from++) {
    if (least[from] === Number.POSITIVE_INFINITY) continue;
    let node = 0;
    for (let to = from; to < bytes.length; to++) {
      node = childOf(table, node, bytes[to]!);
      if (node === 0) break;
      const isToken = table.firstIds[node]! < table.firstIds[node + 1]!;
      if (isToken) least[to + 1] = Math.min(least[to + 1]!, least[from]! + 1);
    }
  }
  return least[bytes.length]!;
}

/** 0: there is none. */
function childOf(table: TokenTable, node: number, byte: number): number {
  for (let child = node + 1; child < table.ends[node]!; child = table.ends[child]!) {
    if (table.bytes[child] === byte) return child;
  }
  return 0;
}
