import type { LoadedModel } from './load.ts';
import type { ChatMessage, ChatOptions, ToolMessage } from './types.ts';

/** What is needed of a model to see what a result takes. */
export type Measure = Pick<LoadedModel, 'countTokens' | 'tokenizer' | 'info'>;

/** Tokens left free behind a result for what follows, where `maxTokens` says nothing; at most a quarter of the context. */
const ROOM = 4096;

export interface FittedResult {
  readonly message: ToolMessage;
  /** No word of it fits: there is no room for another. */
  readonly isFull: boolean;
}

/**
 * A result as the model can be given it: cut where the context has no room for all of it, with a word to the model of how much
 * there was. `history`: all before it, its call included.
 */
export function fitResult(
  model: Measure,
  history: readonly ChatMessage[],
  message: ToolMessage,
  options: ChatOptions,
): FittedResult {
  const { contextLength } = model.info;
  const past = options.truncation === 'auto' ? lastTurnOf(history) : history;
  const around = model.countTokens([...past, { ...message, content: '' }], options);
  const room = Math.max(1, Math.min(options.maxTokens ?? ROOM, ROOM, Math.floor(contextLength / 4)));
  const free = contextLength - around - room;
  const { tokenizer } = model;
  const ids = tokenizer.encode(message.content);
  if (ids.length <= free) return { message, isFull: false };
  for (let kept = free; kept > 0; ) {
    const content = `${wholeText(tokenizer.decode(ids.slice(0, kept)))}\n\n${note(ids.length, kept)}`;
    const over = tokenizer.encode(content).length - free;
    if (over <= 0) return { message: { ...message, content }, isFull: false };
    kept -= over;
  }
  return { message: { ...message, content: note(ids.length, 0) }, isFull: true };
}

function note(tokens: number, kept: number): string {
  const shown = kept === 0 ? 'nothing of it is shown' : `the first ${kept} are shown`;
  return `[This result has ${tokens} tokens; ${shown}, because the context has no room for more.]`;
}

/** Without half a character at the end. */
function wholeText(text: string): string {
  return text.replace(/\uFFFD+$/, '');
}

/** What `truncation: 'auto'` always keeps. */
function lastTurnOf(history: readonly ChatMessage[]): ChatMessage[] {
  const start = history.findLastIndex(({ role }) => role === 'user');
  return history.filter(({ role }, i) => i >= start || role === 'system' || role === 'developer');
}
