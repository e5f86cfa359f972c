import type { ChatEnd, ChatEvent, Usage } from '../../chat/index.ts';
import type { SseEvent } from '../reply.ts';
import type { Seal } from '../seal.ts';
import { BlockStream, named } from './blocks.ts';
import { errorBody } from './errors.ts';
import { endingOf, type Message, messageOf, usageOf } from './message.ts';
import type { ThinkingDisplay } from './request.ts';

export interface StreamOptions extends Pick<Message, 'id' | 'model'> {
  readonly promptTokens: number;
  readonly maxTokens: number;
  readonly display: ThinkingDisplay;
  readonly seal: Seal;
  readonly requestId: string;
  /** Throws when the turn did not end as it should. */
  readonly check: (end: ChatEnd) => void;
}

/** A turn as server-sent events: `message_start`, blocks, `message_delta`, `message_stop`; or an `error`, which ends it. */
export async function* streamMessage(
  events: AsyncIterable<ChatEvent>,
  options: StreamOptions,
): AsyncGenerator<SseEvent, void, undefined> {
  const nothing = { promptTokens: options.promptTokens, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  const blocks = new BlockStream(options.display, options.seal);
  let usage: Usage = nothing;
  yield named({ type: 'message_start', message: messageOf(options, [], undefined, usageOf(nothing)) });
  yield named({ type: 'ping' });
  try {
    for await (const event of events) {
      yield* blocks.push(event);
      if (event.type === 'usage') usage = event;
      if (event.type !== 'end') continue;
      options.check(event);
      yield* blocks.close();
      const { reason, stopSequence } = endingOf(event, usage, options.maxTokens);
      const delta = { stop_reason: reason, stop_sequence: stopSequence, stop_details: null, container: null };
      yield named({ type: 'message_delta', delta, usage: usageOf(usage) });
      yield named({ type: 'message_stop' });
    }
  } catch (error) {
    yield named(errorBody(error, options.requestId));
  }
}
