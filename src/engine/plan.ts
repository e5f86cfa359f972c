/** How many prompt tokens one step may compute. */
export interface PrefillBudget {
  /** When no sequence is decoding. */
  readonly alone: number;
  /** When some are: every decoding sequence waits for the whole step, so it is kept short. */
  readonly besideDecode: number;
}

/**
 * Decides how many ids of each running sequence the next step computes.
 *
 * remaining  [sequences] ids that each has not computed yet; 1 means that it is decoding (or nearly done with its prompt)
 * returns    [sequences] ids to compute now, from 1 to `remaining`
 *
 * Sequences with one id take part in every step. The others share the budget evenly, so a short prompt is done soon even
 * behind a long one; what a short one leaves over goes to the rest.
 */
export function planStep(remaining: readonly number[], budget: PrefillBudget): number[] {
  const counts = remaining.map(() => 1);
  const prefilling = [...remaining.keys()]
    .filter((i) => remaining[i]! > 1)
    .sort((a, b) => remaining[a]! - remaining[b]!);
  let left = prefilling.length < remaining.length ? budget.besideDecode : budget.alone;
  prefilling.forEach((i, place) => {
    const share = Math.max(1, Math.floor(left / (prefilling.length - place)));
    counts[i] = Math.min(remaining[i]!, share);
    left -= counts[i]!;
  });
  return counts;
}
