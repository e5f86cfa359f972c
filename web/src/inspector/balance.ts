import type { Routing } from '../net/types.ts';

/** How evenly a layer's experts share the work. */
export interface Balance {
  /** Of 0 to 1: the entropy of the shares against that of even ones. 1: all experts do the same. */
  readonly evenness: number;
  /** Two to the power of the entropy: this many experts, equally busy, would be as uneven. */
  readonly effective: number;
  /** What the busiest expert does, of 0 to 1. */
  readonly maxShare: number;
  readonly busiest: number;
  /** 0: all the same. Near 1: one does everything. */
  readonly gini: number;
  /** Experts that no token chose. */
  readonly unused: number;
}

/** A pick counts as one, or as the weight that the router gave it. */
export type Counting = 'picks' | 'weights';

/** [layer][expert]: how much each expert does for the tokens `from` to `to` of the routing. */
export function loads(
  routing: Routing,
  counting: Counting = 'picks',
  from = 0,
  to = Number.POSITIVE_INFINITY,
): readonly Float64Array[] {
  return routing.chosen.map((tokens, layer) => {
    const load = new Float64Array(routing.experts);
    const end = Math.min(to, tokens.length);
    for (let token = from; token < end; token++) {
      tokens[token]!.forEach((expert, pick) => {
        load[expert]! += counting === 'picks' ? 1 : routing.weights[layer]![token]![pick]!;
      });
    }
    return load;
  });
}

/** Of [expert] loads. Without any load, nothing is uneven. */
export function balance(load: ArrayLike<number>): Balance {
  const experts = load.length;
  const values = Array.from(load);
  const total = values.reduce((sum, value) => sum + value, 0);
  if (total === 0) return { evenness: 1, effective: experts, maxShare: 0, busiest: 0, gini: 0, unused: experts };
  const shares = values.map((value) => value / total);
  const entropy = shares.reduce((sum, share) => (share > 0 ? sum - share * Math.log2(share) : sum), 0);
  const maxShare = Math.max(...shares);
  return {
    evenness: experts > 1 ? entropy / Math.log2(experts) : 1,
    effective: 2 ** entropy,
    maxShare,
    busiest: shares.indexOf(maxShare),
    gini: gini(shares),
    unused: values.filter((value) => value === 0).length,
  };
}

/** Half the mean difference between any two shares, against the mean share; by the sorted form of the sum. */
function gini(shares: readonly number[]): number {
  const sorted = shares.toSorted((a, b) => a - b);
  const count = sorted.length;
  const weighted = sorted.reduce((sum, share, index) => sum + (2 * (index + 1) - count - 1) * share, 0);
  return Math.max(0, weighted / count);
}

/** Tokens, counted from the routing's first one, that chose this expert in this layer. */
export function tokensOfExpert(routing: Routing, layer: number, expert: number): readonly number[] {
  const tokens = routing.chosen[layer] ?? [];
  return tokens.flatMap((picks, index) => (picks.includes(expert) ? [index] : []));
}

/** Per layer, of 0 to 1: the part of the work that two turns give to the same experts. 1: the same shares. */
export function loadOverlap(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): readonly number[] {
  return a.slice(0, b.length).map((load, layer) => {
    const left = sharesOf(load);
    const right = sharesOf(b[layer]!);
    return left.reduce((sum, share, expert) => sum + Math.min(share, right[expert] ?? 0), 0);
  });
}

function sharesOf(load: ArrayLike<number>): readonly number[] {
  const values = Array.from(load);
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.map((value) => (total === 0 ? 0 : value / total));
}

/**
 * Per layer, of 0 to 1: of the experts picked for tokens that both turns have, how many are picked in both.
 * `pairs`: a token of `a` and the equal one of `b`. Null where there are no such tokens.
 */
export function pickOverlap(
  a: Routing,
  b: Routing,
  pairs: readonly (readonly [number, number])[],
): readonly (number | null)[] {
  return a.chosen.map((tokens, layer) => {
    let shared = 0;
    let picked = 0;
    for (const [left, right] of pairs) {
      const mine = tokens[left];
      const yours = b.chosen[layer]?.[right];
      if (!mine || !yours) continue;
      shared += mine.filter((expert) => yours.includes(expert)).length;
      picked += mine.length;
    }
    return picked === 0 ? null : shared / picked;
  });
}
