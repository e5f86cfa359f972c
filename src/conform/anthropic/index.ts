import type { Check } from '../check.ts';
export const anthropicChecks: readonly Check[] = [];
