import { OssiaError } from '../../base/index.ts';
import type { ChatEnd, ChatEvent, ToolCall, Usage } from '../../chat/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { AnswerTokens, type TokenLogprob } from '../answer-tokens.ts';
import { type CutCall, finishReason } from './report.ts';

/** How a request wants its answers written. */
export interface AnswerForm {
  /** Whether thoughts are sent; they are remembered either way. */
  readonly reasoning: boolean;
  readonly logprobs: boolean;
  /** Calls in the form before `tools`: one, without an id. */
  readonly isLegacy: boolean;
  /** Calls that one answer may have; gpt-oss makes one, but when it is not held to that. */
  readonly maxCalls: number;
  /** Names of custom tools. */
  readonly custom: ReadonlySet<string>;
  readonly tokenizer: Tokenizer;
}

/** A turn that has come to its end. */
export interface FinishedTurn {
  readonly usage: Usage;
  readonly end: ChatEnd;
  readonly cutCalls: readonly CutCall[];
  /** All texts as they came, for what has no messages. */
  readonly text: string;
  readonly logprobs: readonly TokenLogprob[];
}

/** Reads a turn to its end. */
export async function finishTurn(
  events: AsyncIterable<ChatEvent>,
  form: Pick<AnswerForm, 'logprobs' | 'tokenizer'>,
  signal: AbortSignal,
): Promise<FinishedTurn> {
  const tokens = new AnswerTokens(form.tokenizer);
  const logprobs: TokenLogprob[] = [];
  let certain = 0; // of the logprobs: what comes after may be retracted
  const cutCalls: CutCall[] = [];
  let text = '';
  let usage: Usage | undefined;
  let end: ChatEnd | undefined;
  for await (const event of events) {
    if (form.logprobs) logprobs.push(...tokens.push(event));
    if (event.type === 'message') certain = logprobs.length;
    else if (event.type === 'text') text += event.delta;
    else if (event.type === 'retract') logprobs.length = certain;
    else if (event.type === 'tool_call' && event.status === 'incomplete') {
      cutCalls.push({ name: event.name, arguments: event.arguments });
    } else if (event.type === 'usage') usage = event;
    else if (event.type === 'end') end = event;
  }
  if (!usage || !end) throw new TypeError('The turn ended without an end event');
  checkInTime(end, signal);
  return { usage, end, cutCalls, text, logprobs };
}

/** Throws what the server ended the turn for (its time was up), if it did. */
export function checkInTime(end: ChatEnd, { reason }: AbortSignal): void {
  if (end.reason === 'cancelled' && reason instanceof OssiaError) throw reason;
}

/** One of `choices`. Fields of thoughts and calls are left out when there are none: some clients take an empty one for a fault. */
export function choiceOf({ end, cutCalls, logprobs }: FinishedTurn, index: number, form: AnswerForm) {
  const { content, reasoning, toolCalls = [] } = end.messages[0] ?? {};
  const shownReasoning = form.reasoning && reasoning !== undefined ? { reasoning, reasoning_content: reasoning } : {};
  return {
    index,
    message: {
      role: 'assistant' as const,
      content: content ?? (toolCalls.length > 0 ? null : ''),
      refusal: null,
      annotations: [],
      ...shownReasoning,
      ...callFields(toolCalls, form),
    },
    logprobs: form.logprobs ? { content: logprobs, refusal: null } : null,
    finish_reason: finishReason(end, cutCalls, form.isLegacy),
    ...(end.stop === undefined ? {} : { stop_reason: end.stop }),
  };
}

function callFields(all: readonly ToolCall[], { isLegacy, custom, maxCalls }: AnswerForm): object {
  const calls = all.slice(0, maxCalls);
  const [first] = calls;
  if (first === undefined) return {};
  if (isLegacy) return { function_call: { name: first.name, arguments: argumentsOf(first) } };
  return {
    tool_calls: calls.map((call) =>
      custom.has(call.name)
        ? { id: call.id, type: 'custom', custom: { name: call.name, input: call.arguments } }
        : { id: call.id, type: 'function', function: { name: call.name, arguments: argumentsOf(call) } },
    ),
  };
}

/** Clients read the arguments as JSON: a call that has none but blanks has an empty object. */
function argumentsOf(call: ToolCall): string {
  return call.arguments.trim() === '' ? `${call.arguments}{}` : call.arguments;
}
