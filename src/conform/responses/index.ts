import type { Check } from '../check.ts';
export const responsesChecks: readonly Check[] = [];
