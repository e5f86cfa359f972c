import type { HostedItem, UrlCitation } from './hosted/items.ts';

/** What a response is made of, as it goes over the wire. */
export type OutputItem = ReasoningItem | MessageItem | FunctionCallItem | CustomToolCallItem | HostedItem;

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

export interface ReasoningItem {
  readonly type: 'reasoning';
  readonly id: string;
  /** Only where it was asked for; then the thoughts themselves, because these models keep no others. */
  readonly summary: readonly SummaryText[];
  readonly content: readonly ReasoningText[];
  /** What the model really wrote, for clients that keep their own history: see `Seal`. */
  readonly encrypted_content?: string;
  readonly status: ItemStatus;
}

export interface SummaryText {
  readonly type: 'summary_text';
  readonly text: string;
}

export interface ReasoningText {
  readonly type: 'reasoning_text';
  readonly text: string;
}

export interface MessageItem {
  readonly type: 'message';
  readonly id: string;
  readonly role: 'assistant';
  readonly status: ItemStatus;
  /** `commentary`: said on the way to a call. */
  readonly phase: 'commentary' | 'final_answer';
  readonly content: readonly OutputText[];
}

export interface OutputText {
  readonly type: 'output_text';
  readonly text: string;
  readonly annotations: readonly UrlCitation[];
  readonly logprobs: readonly Logprob[];
}

/** A token and how probable it was: ln p before temperature and truncation. */
export interface Logprob {
  readonly token: string;
  readonly bytes: readonly number[];
  readonly logprob: number;
  readonly top_logprobs: readonly Omit<Logprob, 'top_logprobs'>[];
}

export interface FunctionCallItem {
  readonly type: 'function_call';
  readonly id: string;
  readonly call_id: string;
  readonly name: string;
  /** Of a function that was declared in one. */
  readonly namespace?: string;
  readonly arguments: string;
  readonly status: ItemStatus;
}

export interface CustomToolCallItem {
  readonly type: 'custom_tool_call';
  readonly id: string;
  readonly call_id: string;
  readonly name: string;
  readonly namespace?: string;
  readonly input: string;
  readonly status: ItemStatus;
}

/** One of a request's items, or of the history before it: as it was sent, with an id. */
export type InputItem = { readonly type: string; readonly id: string } & Readonly<Record<string, unknown>>;
