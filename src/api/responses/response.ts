import type { ActEnd, ChatEnd, Usage } from '../../chat/index.ts';
import type { OutputItem } from './items.ts';

export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled';

/** A response as it goes over the wire, in OpenAI's fields and one of our own. */
export interface ResponseObject {
  readonly id: string;
  readonly object: 'response';
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly completed_at: number | null;
  readonly status: ResponseStatus;
  readonly background: boolean;
  readonly error: ResponseError | null;
  readonly incomplete_details: { readonly reason: 'max_output_tokens' } | null;
  readonly model: string;
  readonly output: readonly OutputItem[];
  readonly usage: ResponseUsage | null;
  readonly previous_response_id: string | null;
  readonly instructions: string | null;
  readonly max_output_tokens: number | null;
  readonly max_tool_calls: number | null;
  readonly parallel_tool_calls: boolean;
  readonly reasoning: { readonly effort: string; readonly summary: string | null };
  readonly store: boolean;
  readonly temperature: number;
  readonly top_p: number;
  readonly top_logprobs: number;
  readonly text: { readonly format: unknown; readonly verbosity: string };
  /** As they were sent. */
  readonly tools: readonly unknown[];
  readonly tool_choice: unknown;
  readonly truncation: 'auto' | 'disabled';
  readonly metadata: Readonly<Record<string, string>>;
  readonly service_tier: 'default';
  readonly prompt_cache_key: string | null;
  readonly safety_identifier: string | null;
  readonly user: string | null;
  /** What only this server says. Absent while there is nothing to say. */
  readonly ossia?: ResponseExtras;
}

export interface ResponseError {
  readonly code: string;
  readonly message: string;
}

export interface ResponseUsage {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly cached_tokens: number; readonly cache_write_tokens: number };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: number };
  readonly total_tokens: number;
}

export interface ResponseExtras {
  /** Sent as `seed` with the same request, it replays the response. */
  readonly seed: number;
  readonly timing: { readonly queue_ms: number; readonly prefill_ms: number; readonly decode_ms: number };
  /** The stop text that was met. */
  readonly stop?: string;
  /** Why the thoughts were closed before the model did so. */
  readonly reasoning_cut?: 'budget' | 'loop' | 'answer_now';
  /** Why the model was made to answer, with calls that it might still have made. */
  readonly limit?: 'steps' | 'time' | 'context';
  /** What `truncation: "auto"` left out. */
  readonly truncated?: { readonly messages: number; readonly tokens: number };
  /** Where a schema could not be held exactly. */
  readonly notes?: readonly Note[];
  /** What the model wrote in bad form and has been put right, by code. */
  readonly repairs?: readonly string[];
}

/** What of a request is not held exactly. */
export interface Note {
  /** Absent: the answer. */
  readonly tool?: string;
  /** In its schema, as a JSON pointer. */
  readonly path: string;
  readonly message: string;
}

export function toUsage({ promptTokens, cachedTokens, outputTokens, reasoningTokens }: Usage): ResponseUsage {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: promptTokens + outputTokens,
  };
}

/** `own`: notes of the request itself. */
export function toExtras(end: Omit<ChatEnd, 'messages'> & Pick<ActEnd, 'limit'>, own: readonly Note[]): ResponseExtras {
  const { queueMs, prefillMs, decodeMs } = end.timing;
  const { stop, reasoningCut, limit, truncated, repairs } = end;
  const notes = [...own, ...(end.notes ?? []).map(toNote)];
  return {
    seed: end.seed,
    timing: { queue_ms: queueMs, prefill_ms: prefillMs, decode_ms: decodeMs },
    ...(stop === undefined ? {} : { stop }),
    ...(reasoningCut === undefined ? {} : { reasoning_cut: reasoningCut }),
    ...(limit === undefined ? {} : { limit }),
    ...(truncated === undefined ? {} : { truncated }),
    ...(notes.length === 0 ? {} : { notes }),
    ...(repairs.length === 0 ? {} : { repairs: repairs.map(({ code }) => code) }),
  };
}

function toNote({ tool, path, message }: Note): Note {
  return { ...(tool === undefined ? {} : { tool }), path, message };
}

export function isFinished({ status }: Pick<ResponseObject, 'status'>): boolean {
  return status !== 'queued' && status !== 'in_progress';
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
