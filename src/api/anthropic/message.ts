import type { ChatEnd, Usage } from '../../chat/index.ts';

export type ContentBlock = ThinkingBlock | TextBlock | ToolUseBlock;

export interface ThinkingBlock {
  readonly type: 'thinking';
  readonly thinking: string;
  readonly signature: string;
}

export interface TextBlock {
  readonly type: 'text';
  readonly text: string;
  readonly citations: null;
}

export interface ToolUseBlock {
  readonly type: 'tool_use';
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  readonly caller: { readonly type: 'direct' };
}

export type StopReason = 'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'model_context_window_exceeded';

export interface MessageUsage {
  /** Of the prompt, what was not taken from a kept prefix. */
  readonly input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly thinking_tokens: number } | null;
  readonly server_tool_use: null;
}

export interface Message {
  readonly id: string;
  readonly type: 'message';
  readonly role: 'assistant';
  readonly model: string;
  readonly content: readonly ContentBlock[];
  readonly stop_reason: StopReason | null;
  readonly stop_sequence: string | null;
  readonly stop_details: null;
  readonly container: null;
  readonly usage: MessageUsage & { readonly cache_creation: null; readonly service_tier: 'standard' };
}

export interface Ending {
  readonly reason: StopReason;
  readonly stopSequence: string | null;
}

/**
 * Why a turn ended. `maxTokens`: what the request allowed; who got less was cut by the context, or by the time that a request
 * may take, for which this format has no word of its own.
 */
export function endingOf({ reason, stop }: ChatEnd, { outputTokens }: Usage, maxTokens: number): Ending {
  if (stop !== undefined) return { reason: 'stop_sequence', stopSequence: stop };
  if (reason === 'tool_calls') return { reason: 'tool_use', stopSequence: null };
  if (reason === 'stop') return { reason: 'end_turn', stopSequence: null };
  const isContext = reason === 'length' && outputTokens < maxTokens;
  return { reason: isContext ? 'model_context_window_exceeded' : 'max_tokens', stopSequence: null };
}

export function usageOf({ promptTokens, cachedTokens, outputTokens, reasoningTokens }: Usage): MessageUsage {
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_read_input_tokens: cachedTokens,
    cache_creation_input_tokens: 0,
    output_tokens: outputTokens,
    output_tokens_details: { thinking_tokens: reasoningTokens },
    server_tool_use: null,
  };
}

export function messageOf(
  { id, model }: Pick<Message, 'id' | 'model'>,
  content: readonly ContentBlock[],
  ending: Ending | undefined,
  usage: MessageUsage,
): Message {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: ending?.reason ?? null,
    stop_sequence: ending?.stopSequence ?? null,
    stop_details: null,
    container: null,
    usage: { ...usage, cache_creation: null, service_tier: 'standard' },
  };
}

/**
 * Arguments as the object that this format has in their place. What is no object (only a turn without constraints writes such)
 * is given whole, as one text.
 */
export function inputOf(argumentsText: string): Readonly<Record<string, unknown>> {
  try {
    const input: unknown = JSON.parse(argumentsText);
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Record<string, unknown>;
  } catch {
    // no JSON
  }
  return argumentsText.trim() === '' ? {} : { arguments: argumentsText };
}
