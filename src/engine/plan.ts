/** How many prompt tokens one step may compute, at most. */
export interface PrefillBudget {
  /** When a sequence has the machine to itself, or none is decoding. */
  readonly alone: number;
  /** When some are decoding, since each waits for the whole step. */
  readonly besideDecode: number;
}

/** A running sequence, as far as a step's plan goes. */
export interface Planned {
  /** Ids that it has not computed yet; at least 1. */
  readonly remaining: number;
  /** It waits for its next token: only what was sampled last, and what is forced after that, is left to compute. */
  readonly decoding: boolean;
}

/**
 * Decides how many ids of each running sequence the next step computes: from 1 to its `remaining`.
 *
 * Every sequence takes part with one id. What decoding ones have beyond that is served first, out of the budget. Prompts
 * share the rest evenly, so a short one is done soon even behind a long one; what a short one leaves over goes to the others.
 */
export function planStep(sequences: readonly Planned[], budget: PrefillBudget): number[] {
  const counts = sequences.map(() => 1);
  const some = (decoding: boolean) =>
    [...sequences.keys()].filter((i) => sequences[i]!.decoding === decoding && sequences[i]!.remaining > 1);
  const prompts = some(false).sort((a, b) => sequences[a]!.remaining - sequences[b]!.remaining);
  const shared = sequences.length > 1 && sequences.some(({ decoding }) => decoding);
  let left = shared ? budget.besideDecode : budget.alone;
  const take = (i: number, share: number) => {
    counts[i] = Math.min(sequences[i]!.remaining, Math.max(1, share));
    left -= counts[i]!;
  };
  for (const i of some(true)) take(i, left);
  prompts.forEach((i, place) => {
    take(i, Math.floor(left / (prompts.length - place)));
  });
  return counts;
}
