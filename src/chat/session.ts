import { randomUUID } from 'node:crypto';
import { OssiaError } from '../base/index.ts';
import { type ActingModel, act } from './act.ts';
import type { ActEvent, ActOptions } from './acting-types.ts';
import type { LoadedModel } from './load.ts';
import type { ChatEvent, ChatMessage, ChatOptions } from './types.ts';

/** How a session's turns go. With a toolbox the calls of its tools are carried out, as `act` does. */
export type SessionOptions = ChatOptions & Partial<Omit<ActOptions, keyof ChatOptions>>;

/** What a session's turns tell of: with a toolbox, what its tools do as well. */
export type SessionEvent<Options extends SessionOptions> =
  Options extends Pick<ActOptions, 'toolbox'> ? ActEvent : ChatEvent;

type SessionModel = Pick<LoadedModel, 'name'> & ActingModel;

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
export class Session<Options extends SessionOptions = ChatOptions> {
  /** What was said so far; may be changed between turns. */
  messages: ChatMessage[];
  /** For every turn, unless the turn says otherwise. */
  options: Options;
  /** What tools keep for this session goes by this name, unless the options give another. */
  readonly conversation: string = randomUUID();
  readonly #model: SessionModel;

  constructor(model: SessionModel, options?: Options, messages: readonly ChatMessage[] = []) {
    this.#model = model;
    this.options = options ?? ({} as Options);
    this.messages = [...messages];
  }

  /** One turn after a message of the user. */
  send(content: string, options: Partial<Options> = {}): AsyncGenerator<SessionEvent<Options>, void, undefined> {
    this.messages.push({ role: 'user', content });
    return this.continue(options);
  }

  /** Adds the result of a call; `continue` then lets the model go on. `toolCallId` may be left out when one call waits. */
  answer(content: string, toolCallId?: string): void {
    this.messages.push({ role: 'tool', content, ...(toolCallId === undefined ? {} : { toolCallId }) });
  }

  /** One turn after what was said so far. A turn that is cancelled stays in the history as far as it came. */
  async *continue(options: Partial<Options> = {}): AsyncGenerator<SessionEvent<Options>, void, undefined> {
    for await (const event of this.#turn({ ...this.options, ...options })) {
      if (event.type === 'end') this.messages.push(...event.messages);
      yield event as SessionEvent<Options>;
    }
  }

  #turn({ toolbox, ...options }: SessionOptions): AsyncIterable<ChatEvent | ActEvent> {
    if (toolbox === undefined) return this.#model.chat(this.messages, options);
    return act(this.#model, this.messages, { conversation: this.conversation, ...options, toolbox });
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
  static from<Options extends SessionOptions = ChatOptions>(
    saved: unknown,
    model: SessionModel,
    options?: Options,
  ): Session<Options> {
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
