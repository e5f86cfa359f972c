import type { ChatEnd, Usage } from '../../chat/index.ts';
import { given } from '../sampling.ts';

/** What a request took. A prompt counts once, however many answers it has. */
export function usageOf(turns: readonly Usage[], answersPerPrompt = turns.length) {
  const prompts = turns.filter((_, index) => index % answersPerPrompt === 0);
  const prompt = sum(prompts, ({ promptTokens }) => promptTokens);
  const completion = sum(turns, ({ outputTokens }) => outputTokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: sum(prompts, ({ cachedTokens }) => cachedTokens) },
    completion_tokens_details: {
      reasoning_tokens: sum(turns, ({ reasoningTokens }) => reasoningTokens),
      ...predictionOf(turns),
    },
  };
}

/** What was guessed from the text itself, as OpenAI counts the predictions of a client; but those refused are not in `completion_tokens`. */
function predictionOf(turns: readonly Usage[]) {
  if (turns.every(({ speculation }) => speculation === undefined)) return {};
  const accepted = sum(turns, ({ speculation }) => speculation?.accepted ?? 0);
  const drafted = sum(turns, ({ speculation }) => speculation?.drafted ?? 0);
  return { accepted_prediction_tokens: accepted, rejected_prediction_tokens: drafted - accepted };
}

function sum(turns: readonly Usage[], count: (usage: Usage) => number): number {
  return turns.reduce((total, usage) => total + count(usage), 0);
}

/** A call that the limit cut in the middle of its arguments. */
export interface CutCall {
  readonly name: string;
  readonly arguments: string;
}

/** What OpenAI's format has no word for. Absent when there is nothing to say. */
export interface Report {
  /** Where a schema is not held exactly. */
  readonly notes?: readonly { readonly tool?: string; readonly path: string; readonly message: string }[];
  /** What `truncation: 'auto'` left out. */
  readonly truncated?: { readonly messages: number; readonly tokens: number };
  /** Why the thoughts were ended. */
  readonly reasoning_cut?: string;
  /** Calls that are no `tool_calls`, because their arguments break off. */
  readonly cut_calls?: readonly CutCall[];
  /** The turn was ended from outside. */
  readonly cancelled?: true;
}

type Finished = { readonly end: ChatEnd; readonly cutCalls: readonly CutCall[] };

/** One report for all answers to a request: they share their tools and their history. `notes`: of the request itself. */
export function reportOf(turns: readonly Finished[], notes: Report['notes'] = []): { ossia?: Report } {
  const ends = turns.map(({ end }) => end);
  const ofSchemas = (ends[0]?.notes ?? []).map(({ tool, path, message }) => ({ ...given({ tool }), path, message }));
  const allNotes = [...notes, ...ofSchemas];
  const cutCalls = turns.flatMap((turn) => turn.cutCalls);
  const report: Report = given({
    notes: allNotes.length === 0 ? undefined : allNotes,
    truncated: ends[0]?.truncated,
    reasoning_cut: ends.find(({ reasoningCut }) => reasoningCut !== undefined)?.reasoningCut,
    cut_calls: cutCalls.length === 0 ? undefined : cutCalls,
    cancelled: ends.some(({ reason }) => reason === 'cancelled') ? true : undefined,
  });
  return Object.keys(report).length === 0 ? {} : { ossia: report };
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'function_call';

/** `length` for whatever was cut: by a limit, from outside, or a call that breaks off. */
export function finishReason(end: ChatEnd, cutCalls: readonly CutCall[], isLegacy: boolean): FinishReason {
  if (end.reason === 'tool_calls') return isLegacy ? 'function_call' : 'tool_calls';
  return end.reason === 'stop' && cutCalls.length === 0 ? 'stop' : 'length';
}
