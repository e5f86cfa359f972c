import type { ChatEnd, ChatEvent, Usage } from '../../chat/index.ts';
import type { Seal } from '../seal.ts';
import { toToolUseId } from './ids.ts';
import { type ContentBlock, inputOf } from './message.ts';
import type { ThinkingDisplay } from './request.ts';

export interface CollectedTurn {
  readonly content: readonly ContentBlock[];
  readonly usage: Usage;
  readonly end: ChatEnd;
}

/** Reads a turn to its end. A block is a finished message, so nothing that was taken back is in it; a call that was cut is not. */
export async function collect(
  events: AsyncIterable<ChatEvent>,
  display: ThinkingDisplay,
  seal: Seal,
): Promise<CollectedTurn> {
  const content: ContentBlock[] = [];
  let usage: Usage | undefined;
  let end: ChatEnd | undefined;
  for await (const event of events) {
    if (event.type === 'usage') usage = event;
    if (event.type === 'end') end = event;
    if (event.type === 'tool_call' && event.status !== 'incomplete') {
      const id = toToolUseId(event.id);
      content.push({
        type: 'tool_use',
        id,
        name: event.name,
        input: inputOf(event.arguments),
        caller: { type: 'direct' },
      });
    }
    if (event.type !== 'message' || event.message.content === '') continue;
    const { surface, content: text } = event.message;
    if (surface === 'text') content.push({ type: 'text', text, citations: null });
    if (surface === 'reasoning' && display !== 'none') {
      content.push({ type: 'thinking', thinking: display === 'shown' ? text : '', signature: seal.close(text) });
    }
  }
  if (!usage || !end) throw new TypeError('A turn ended without its usage');
  return { content, usage, end };
}
