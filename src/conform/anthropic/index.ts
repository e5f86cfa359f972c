import type { Check } from '../check.ts';
import { replyChecks, toolChecks } from './replies.ts';
import { errorChecks, streamChecks, trafficChecks } from './streams.ts';

/** Anthropic Messages. */
export const anthropicChecks: readonly Check[] = [
  ...replyChecks,
  ...streamChecks,
  ...toolChecks,
  ...errorChecks,
  ...trafficChecks,
];
