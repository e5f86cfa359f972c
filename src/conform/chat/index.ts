import type { Check } from '../check.ts';
import { replyChecks } from './replies.ts';
import { streamChecks } from './streams.ts';
import { toolChecks } from './tools.ts';
import { chatErrorChecks, chatTrafficChecks } from './traffic.ts';

/** OpenAI Chat Completions. */
export const chatChecks: readonly Check[] = [
  ...replyChecks,
  ...streamChecks,
  ...toolChecks,
  ...chatErrorChecks,
  ...chatTrafficChecks,
];
