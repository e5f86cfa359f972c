import type { HostedEvent } from './hosted/items.ts';
import type { Logprob, OutputItem, OutputText, ReasoningText, SummaryText } from './items.ts';
import type { ResponseObject } from './response.ts';

/** What happens within one item of the output. */
export type ItemEvent =
  | HostedEvent
  | { readonly type: 'response.output_item.added' | 'response.output_item.done'; readonly item: OutputItem }
  | {
      readonly type: 'response.content_part.added' | 'response.content_part.done';
      readonly content_index: number;
      readonly part: OutputText | ReasoningText;
    }
  | { readonly type: 'response.reasoning_text.delta'; readonly content_index: number; readonly delta: string }
  | { readonly type: 'response.reasoning_text.done'; readonly content_index: number; readonly text: string }
  | {
      readonly type: 'response.reasoning_summary_part.added' | 'response.reasoning_summary_part.done';
      readonly summary_index: number;
      readonly part: SummaryText;
    }
  | { readonly type: 'response.reasoning_summary_text.delta'; readonly summary_index: number; readonly delta: string }
  | { readonly type: 'response.reasoning_summary_text.done'; readonly summary_index: number; readonly text: string }
  | {
      readonly type: 'response.output_text.delta';
      readonly content_index: number;
      readonly delta: string;
      readonly logprobs: readonly Logprob[];
    }
  | {
      readonly type: 'response.output_text.done';
      readonly content_index: number;
      readonly text: string;
      readonly logprobs: readonly Logprob[];
    }
  | { readonly type: 'response.function_call_arguments.delta'; readonly delta: string }
  | { readonly type: 'response.function_call_arguments.done'; readonly arguments: string; readonly name: string }
  | { readonly type: 'response.custom_tool_call_input.delta'; readonly delta: string }
  | { readonly type: 'response.custom_tool_call_input.done'; readonly input: string };

/** What happens to the response as a whole. A cancelled one ends with `incomplete`, and its status says why. */
export interface LifeEvent {
  readonly type: `response.${'queued' | 'created' | 'in_progress' | 'completed' | 'incomplete' | 'failed'}`;
  readonly response: ResponseObject;
}

/** An event of a stream, in the order of `sequence_number`, which begins at 0. */
export type StreamEvent = { readonly sequence_number: number } & (
  | LifeEvent
  | (ItemEvent & { readonly output_index: number; readonly item_id?: string })
);
