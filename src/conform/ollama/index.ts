import type { Check } from '../check.ts';
import { errorChecks, modelChecks, toolChecks, trafficChecks } from './models.ts';
import { replyChecks } from './replies.ts';

/** Ollama's own API. */
export const ollamaChecks: readonly Check[] = [
  ...modelChecks,
  ...replyChecks,
  ...toolChecks,
  ...errorChecks,
  ...trafficChecks,
];
