import { OssiaError } from '../base/index.ts';
import type { LoadedModel } from './load.ts';
import type { ChatEvent, ChatMessage, ChatOptions } from './types.ts';

/** A session as it is saved. */
export interface SavedSession {
  readonly format: 'ossia-session/1';
  readonly model: string;
  readonly messages: readonly ChatMessage[];
}

/**
 * A conversation that goes on: sends messages, and appends the model's turns to its history by itself.
 *
 *     const session = new Session(model, { effort: 'low' });
 *     for await (const event of session.send('Hello')) …
 *     writeFileSync('talk.json', JSON.stringify(session));
 */
export class Session {
  /** What was said so far; may be changed between turns. */
  messages: ChatMessage[];
  /** For every turn, unless the turn says otherwise. */
  options: ChatOptions;
  readonly #model: Pick<LoadedModel, 'name' | 'chat'>;

  constructor(
    model: Pick<LoadedModel, 'name' | 'chat'>,
    options: ChatOptions = {},
    messages: readonly ChatMessage[] = [],
  ) {
    this.#model = model;
    this.options = options;
    this.messages = [...messages];
  }

  /** One turn after a message of the user. */
  send(content: string, options: ChatOptions = {}): AsyncGenerator<ChatEvent, void, undefined> {
    this.messages.push({ role: 'user', content });
    return this.continue(options);
  }

  /** Adds the result of a call; `continue` then lets the model go on. `toolCallId` may be left out when one call waits. */
  answer(content: string, toolCallId?: string): void {
    this.messages.push({ role: 'tool', content, ...(toolCallId === undefined ? {} : { toolCallId }) });
  }

  /** One turn after what was said so far. A turn that is cancelled stays in the history as far as it came. */
  async *continue(options: ChatOptions = {}): AsyncGenerator<ChatEvent, void, undefined> {
    for await (const event of this.#model.chat(this.messages, { ...this.options, ...options })) {
      if (event.type === 'end') this.messages.push(...event.messages);
      yield event;
    }
  }

  /** Takes back the last message of the user and all that followed. False when there is none. */
  undo(): boolean {
    const last = this.messages.findLastIndex(({ role }) => role === 'user');
    if (last >= 0) this.messages.length = last;
    return last >= 0;
  }

  toJSON(): SavedSession {
    return { format: 'ossia-session/1', model: this.#model.name, messages: this.messages };
  }

  /**
   * Goes on with a saved session. Ids that another model sampled mean nothing to this one: its turns are then rendered from
   * their text. Throws `harmony/bad-conversation` for anything that `toJSON` did not write.
   */
  static from(saved: unknown, model: Pick<LoadedModel, 'name' | 'chat'>, options: ChatOptions = {}): Session {
    if (!isSaved(saved)) {
      throw new OssiaError(
        'harmony/bad-conversation',
        'Cannot continue this session: expected {"format":"ossia-session/1","model","messages"}',
      );
    }
    const same = saved.model === model.name;
    return new Session(model, options, same ? saved.messages : saved.messages.map(withoutIds));
  }
}

function isSaved(saved: unknown): saved is SavedSession {
  if (typeof saved !== 'object' || saved === null) return false;
  const { format, model, messages }: Partial<Record<keyof SavedSession, unknown>> = saved;
  return format === 'ossia-session/1' && typeof model === 'string' && Array.isArray(messages);
}

function withoutIds(message: ChatMessage): ChatMessage {
  if (message.role !== 'assistant' || !message.harmony) return message;
  return { ...message, harmony: message.harmony.map(({ sampled: _, ...rest }) => rest) };
}
