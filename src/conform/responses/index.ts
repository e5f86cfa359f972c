import type { Check } from '../check.ts';
import { replyChecks } from './replies.ts';
import { streamChecks } from './streams.ts';
import { responsesErrorChecks, responsesTrafficChecks, toolChecks } from './tools.ts';

/** OpenAI Responses. */
export const responsesChecks: readonly Check[] = [
  ...replyChecks,
  ...streamChecks,
  ...toolChecks,
  ...responsesErrorChecks,
  ...responsesTrafficChecks,
];
