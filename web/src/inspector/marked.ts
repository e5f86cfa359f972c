import { computed } from '@preact/signals';
import { tokensOfExpert } from './balance.ts';
import { expert, routingState, step } from './state.ts';

/** Positions of the tokens that the chosen expert computes. */
export const marked = computed<ReadonlySet<number> | undefined>(() => {
  const state = step.value && routingState(step.value);
  if (state?.status !== 'done' || !expert.value) return undefined;
  return new Set(tokensOfExpert(state.routing, expert.value.layer, expert.value.expert));
});
