import type { AssistantMessage, ChatMessage, LoadedModel } from '../../chat/index.ts';
import { answerMessage, developerMessage, type Message, parse, render, userMessage } from '../../harmony/index.ts';
import { badRequest } from '../validate.ts';

/** What the developer message writes before its instructions. */
const HEADING = '# Instructions\n\n';

/**
 * `context`, which older clients of `generate` send back to go on with a conversation: token ids of its instructions, prompts and
 * answers. Thoughts are left out, as in the next turn of any conversation.
 */
export function contextOf(
  history: readonly ChatMessage[],
  answer: AssistantMessage | undefined,
  { tokenizer }: LoadedModel,
): number[] {
  const messages = [...history, ...(answer?.content ? [answer] : [])].flatMap(toHarmony);
  return render({ messages }, tokenizer, { mode: 'conversation' });
}

function toHarmony({ role, content = '' }: ChatMessage): Message[] {
  if (role === 'user') return [userMessage(content)];
  if (role === 'assistant') return [answerMessage(content)];
  const instructions = developerMessage({ instructions: content });
  return instructions === undefined ? [] : [instructions];
}

/** The conversation that a `context` stands for. Throws `api/bad-request` for ids that `contextOf` did not make. */
export function historyOf(ids: readonly number[] = [], { tokenizer }: LoadedModel): ChatMessage[] {
  return read(ids, tokenizer).map(({ role, channel, content }): ChatMessage => {
    const text = typeof content === 'string' ? content : '';
    if (role === 'user') return { role, content: text };
    if (role === 'assistant' && channel === 'final') return { role, content: text };
    if (role === 'developer' && text.startsWith(HEADING)) return { role, content: text.slice(HEADING.length) };
    throw foreign();
  });
}

function read(ids: readonly number[], tokenizer: LoadedModel['tokenizer']): readonly Message[] {
  try {
    return parse(ids, tokenizer);
  } catch (error) {
    throw foreign(error);
  }
}

function foreign(cause?: unknown): Error {
  return badRequest('context: expected the context of an earlier response of this server', 'context', cause);
}
