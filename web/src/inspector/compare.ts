import type { OutputToken } from '../net/types.ts';

/** A run of tokens that both have, or that stand in each other's place. Ranges: from, up to but not including. */
export interface Block {
  readonly same: boolean;
  readonly a: readonly [number, number];
  readonly b: readonly [number, number];
}

export interface Comparison {
  readonly equal: boolean;
  /** The first token that is not the same; undefined when all are. */
  readonly parting: number | undefined;
  readonly blocks: readonly Block[];
  /** Tokens that both have, in order. */
  readonly shared: number;
}

/** Beyond this many edits the rest counts as one that differs: two answers which have nothing to do with each other. */
const mostEdits = 1500;

/** How two outputs lie beside each other: the fewest tokens left out and put in (Myers, 1986). */
export function compare(a: readonly { readonly id: number }[], b: readonly { readonly id: number }[]): Comparison {
  const shorter = Math.min(a.length, b.length);
  let prefix = 0;
  while (prefix < shorter && a[prefix]!.id === b[prefix]!.id) prefix++;
  let suffix = 0;
  while (suffix < shorter - prefix && a[a.length - 1 - suffix]!.id === b[b.length - 1 - suffix]!.id) suffix++;
  const left = a.slice(prefix, a.length - suffix).map(({ id }) => id);
  const right = b.slice(prefix, b.length - suffix).map(({ id }) => id);
  const matches = matching(left, right);
  const pairs: [number, number][] = [];
  for (let at = 0; at < prefix; at++) pairs.push([at, at]);
  for (const [x, y] of matches) pairs.push([prefix + x, prefix + y]);
  for (let at = suffix; at > 0; at--) pairs.push([a.length - at, b.length - at]);
  const equal = a.length === b.length && prefix === a.length;
  return {
    equal,
    parting: equal ? undefined : prefix,
    blocks: blocksOf(pairs, a.length, b.length),
    shared: pairs.length,
  };
}

/** Pairs of equal tokens, as the blocks tell them. */
export function sharedPairs(comparison: Comparison): readonly (readonly [number, number])[] {
  return comparison.blocks.flatMap(({ same, a, b }) =>
    same ? Array.from({ length: a[1] - a[0] }, (_, index) => [a[0] + index, b[0] + index] as const) : [],
  );
}

function blocksOf(pairs: readonly (readonly [number, number])[], aLength: number, bLength: number): readonly Block[] {
  const blocks: Block[] = [];
  let [a, b] = [0, 0];
  for (let index = 0; index < pairs.length; ) {
    const [x, y] = pairs[index]!;
    if (x > a || y > b) blocks.push({ same: false, a: [a, x], b: [b, y] });
    let run = 0;
    while (pairs[index + run]?.[0] === x + run && pairs[index + run]?.[1] === y + run) run++;
    blocks.push({ same: true, a: [x, x + run], b: [y, y + run] });
    [a, b] = [x + run, y + run];
    index += run;
  }
  if (a < aLength || b < bLength) blocks.push({ same: false, a: [a, aLength], b: [b, bLength] });
  return blocks;
}

/** A longest common subsequence by greedy furthest-reaching paths; none when it would take more than `mostEdits`. */
function matching(a: readonly number[], b: readonly number[]): readonly (readonly [number, number])[] {
  const most = Math.min(a.length + b.length, mostEdits);
  if (a.length === 0 || b.length === 0) return [];
  const reach = new Map<number, number>([[1, 0]]);
  const past: Map<number, number>[] = [];
  for (let edits = 0; edits <= most; edits++) {
    past.push(new Map([...reach].filter(([diagonal]) => Math.abs(diagonal) <= edits + 1)));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const down = reach.get(diagonal + 1) ?? -1;
      const right = reach.get(diagonal - 1) ?? -1;
      let x = diagonal === -edits || (diagonal !== edits && right < down) ? down : right + 1;
      let y = x - diagonal;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++;
        y++;
      }
      reach.set(diagonal, x);
      if (x >= a.length && y >= b.length) return walkBack(past, a.length, b.length);
    }
  }
  return [];
}

function walkBack(
  past: readonly ReadonlyMap<number, number>[],
  aLength: number,
  bLength: number,
): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  let [x, y] = [aLength, bLength];
  for (let edits = past.length - 1; edits >= 0; edits--) {
    const reach = past[edits]!;
    const diagonal = x - y;
    const down = reach.get(diagonal + 1) ?? -1;
    const right = reach.get(diagonal - 1) ?? -1;
    const isDown = diagonal === -edits || (diagonal !== edits && right < down);
    const before = isDown ? diagonal + 1 : diagonal - 1;
    const beforeX = reach.get(before) ?? 0;
    const beforeY = beforeX - before;
    while (x > beforeX && y > beforeY) {
      x--;
      y--;
      pairs.push([x, y]);
    }
    if (edits > 0) [x, y] = [beforeX, beforeY];
  }
  return pairs.reverse();
}

/** What one turn thought of the token that the other chose in the same place. */
export interface OtherChoice {
  readonly probability: number;
  /** From 1. */
  readonly rank: number;
}

/** Undefined: the other's choice is not among the alternatives that were told. */
export function chanceOf(token: OutputToken | undefined, other: OutputToken | undefined): OtherChoice | undefined {
  if (!token || !other) return undefined;
  const index = token.top.findIndex(({ id }) => id === other.id);
  return index === -1 ? undefined : { probability: token.top[index]!.probability, rank: index + 1 };
}
