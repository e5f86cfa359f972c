import { OssiaError } from '../base/index.ts';
import type { ChatEnd, ChatMessage, ChatOptions } from './types.ts';

/** What is needed of a model to see whether a history fits. */
export interface ContextOf {
  readonly info: { readonly contextLength: number };
  render(history: readonly ChatMessage[], options: ChatOptions): number[];
}

export interface FittedPrompt {
  readonly prompt: readonly number[];
  readonly truncated: ChatEnd['truncated'];
}

/** Tokens that leaving turns out makes room for, where `maxTokens` says nothing; at most a quarter of the context. */
const ROOM = 4096;

/**
 * The prompt of a history, with its oldest turns left out where `truncation` is `auto` and they leave too little room. Throws
 * `chat/context-exceeded` when there is no room for one token of an answer, before anything is computed.
 */
export function fitContext(history: readonly ChatMessage[], options: ChatOptions, model: ContextOf): FittedPrompt {
  checkTruncation(options.truncation);
  const { contextLength } = model.info;
  const whole = model.render(history, options);
  if (options.truncation !== 'auto') return { prompt: checked(whole, options, contextLength), truncated: undefined };
  const room = Math.max(1, Math.min(options.maxTokens ?? ROOM, Math.floor(contextLength / 4)));
  const fits = (prompt: readonly number[]) => prompt.length + room <= contextLength;
  if (fits(whole)) return { prompt: whole, truncated: undefined };
  const cuts = turnStarts(history);
  const without = (count: number) => history.filter((message, i) => isInstruction(message) || i >= (cuts[count] ?? 0));
  // Fewest turns left out. `low` turns are too few, `high` are enough, or all there are.
  let low = 0;
  let high = cuts.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (fits(model.render(without(middle), options))) high = middle;
    else low = middle;
  }
  const kept = without(Math.max(0, high));
  const prompt = checked(model.render(kept, options), options, contextLength);
  const messages = history.length - kept.length;
  return { prompt, truncated: messages === 0 ? undefined : { messages, tokens: whole.length - prompt.length } };
}

function checked(prompt: readonly number[], { maxTokens }: ChatOptions, contextLength: number): readonly number[] {
  if (prompt.length < contextLength) return prompt;
  const promptTokens = prompt.length;
  throw new OssiaError(
    'chat/context-exceeded',
    `Cannot answer a conversation of ${promptTokens} tokens${maxTokens === undefined ? '' : ` in at most ${maxTokens}`}: the context holds ${contextLength}, the answer included`,
    { details: { promptTokens, ...(maxTokens === undefined ? {} : { maxTokens }), contextLength } },
  );
}

/**
 * Where turns begin: at each message of the user, and at the very first message, except where a call before it is answered
 * behind it. Messages up to the last of these can be left out.
 */
function turnStarts(history: readonly ChatMessage[]): number[] {
  const starts = history.flatMap(({ role }, i) => (role === 'user' || i === 0 ? [i] : []));
  const calls = new Map<string, number>();
  let lastCall = -1;
  const split: (readonly [call: number, result: number])[] = [];
  history.forEach((message, i) => {
    if (message.role === 'assistant' && message.toolCalls?.length) {
      lastCall = i;
      for (const { id } of message.toolCalls) calls.set(id, i);
    } else if (message.role === 'tool') {
      split.push([calls.get(message.toolCallId ?? '') ?? lastCall, i]);
    }
  });
  return starts.filter((start) => !split.some(([call, result]) => call >= 0 && call < start && start <= result));
}

function isInstruction({ role }: ChatMessage): boolean {
  return role === 'system' || role === 'developer';
}

function checkTruncation(truncation: unknown): void {
  if (truncation === undefined || truncation === 'disabled' || truncation === 'auto') return;
  throw new OssiaError(
    'harmony/bad-conversation',
    `Expected truncation to be disabled or auto, got ${JSON.stringify(truncation)}`,
  );
}
