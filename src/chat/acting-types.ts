import type { Citation, Tool, ToolResult } from '../tools/index.ts';
import type { AssistantMessage, ChatEnd, ChatEvent, ChatOptions, ToolCall, ToolMessage } from './types.ts';

/**
 * How turns go on with what tools found, until the model has answered. `maxTokens` and `maxReasoningTokens` are for all turns
 * together; `toolChoice` is for the first.
 */
export interface ActOptions extends ChatOptions {
  /** What is carried out here. Functions in `tools` are the caller's: a call of one ends the acting with `tool_calls`. */
  readonly toolbox: readonly Tool[];
  /** The conversation whose pages and variables the tools go on with. */
  readonly conversation: string;
  /** Rounds of calls at most; then the model has to answer with what it has. Default 32; 0: no calls. */
  readonly maxSteps?: number;
  /** Milliseconds that one call may take, whatever limit the tool has of its own. Default 180,000. */
  readonly callTimeoutMs?: number;
  /** Milliseconds for all of it; then the model has to answer. Default: none. */
  readonly actTimeoutMs?: number;
  /** Asked before calls that need approval. Default: they are refused. Rejects when nobody will answer. */
  readonly approve?: (call: ActCall, signal: AbortSignal) => Promise<Approval>;
  /** Calls that have been allowed before: nobody is asked. */
  readonly isAllowed?: (call: ActCall) => boolean;
}

export interface Approval {
  readonly allowed: boolean;
  /** What the model is told when it is not. */
  readonly reason?: string;
  /** Nobody can say now: the acting ends with `tool_calls`. Done again with the history that it leaves, it begins with this call. */
  readonly postponed?: true;
}

/** A call that runs here. */
export interface ActCall extends ToolCall {
  /** `browser`, `python`, `mcp:files`. */
  readonly tool: string;
}

export type ActEvent =
  | Exclude<ChatEvent, { type: 'end' } | { type: 'usage' }>
  /** A call waits for a person. */
  | { readonly type: 'approval'; readonly call: ActCall }
  | { readonly type: 'tool_start'; readonly call: ActCall }
  | { readonly type: 'tool_progress'; readonly id: string; readonly text: string }
  /** `refused`: nobody allowed it. */
  | {
      readonly type: 'tool_end';
      readonly call: ActCall;
      readonly result: ToolResult;
      /** What the model was given of the result, where the context had no room for all of it. */
      readonly cut?: string;
      readonly refused?: true;
      readonly durationMs: number;
    }
  /** One turn of the model is over, and another follows. */
  | { readonly type: 'step'; readonly step: number; readonly end: ChatEnd }
  /** Summed up over all turns. */
  | Extract<ChatEvent, { type: 'usage' }>
  | ActEnd;

/** As of the last turn, but for `messages`: all that was added to the history, results of tools included. */
export interface ActEnd extends Omit<ChatEnd, 'messages'> {
  readonly messages: readonly (AssistantMessage | ToolMessage)[];
  /** Rounds of calls. */
  readonly steps: number;
  /** Why the model was made to answer. */
  readonly limit?: 'steps' | 'time' | 'context';
  /** Of the answer, where they point to pages that were opened. */
  readonly citations?: readonly Citation[];
}
