import type { ChatEvent } from '../../chat/index.ts';
import type { Message } from '../../harmony/index.ts';
import type { AnswerTokens } from '../answer-tokens.ts';
import { CallDraft, type Draft, MessageDraft, ReasoningDraft } from './drafts.ts';
import type { ItemEvent } from './events.ts';
import type { OutputItem } from './items.ts';
import type { Toolbox } from './tools.ts';

export interface OutputOptions {
  readonly toolbox: Toolbox;
  /** Whether thoughts are sent as a summary as well. */
  readonly summarizes: boolean;
  /** Makes `encrypted_content` of the ids of a thought; absent: there is none. */
  readonly seal?: (ids: readonly number[]) => string;
  /** Absent: the text goes without. */
  readonly logprobs?: AnswerTokens;
  /** Whether the events go to somebody as they come. */
  readonly isStreamed: boolean;
}

export type PlacedItemEvent = ItemEvent & { readonly output_index: number; readonly item_id?: string };

/**
 * The output of a response as it comes about: a turn's events in, items and their events out. One item at a time is open, and
 * its place never changes. Text that is taken back leaves an empty item behind where its place has been seen.
 */
export class Output {
  readonly #options: OutputOptions;
  readonly #items: OutputItem[] = [];
  readonly #exact = new Map<string, Message>();
  #open: Draft | undefined;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** All finished items. */
  get items(): readonly OutputItem[] {
    return this.#items;
  }

  /** What the model wrote for each item, by the item's id. */
  get exact(): ReadonlyMap<string, Message> {
    return this.#exact;
  }

  *push(event: ChatEvent): Generator<PlacedItemEvent> {
    const logprobs = this.#options.logprobs?.push(event) ?? [];
    switch (event.type) {
      case 'reasoning': {
        const draft = yield* this.#reasoning();
        yield* this.#place(draft.write(event.delta));
        break;
      }
      case 'text': {
        const draft = yield* this.#message(event.channel);
        yield* this.#place(draft.write(event.delta, logprobs));
        break;
      }
      case 'tool_call_delta': {
        const draft = yield* this.#call(event.name, event.id);
        yield* this.#place(draft.write(event.delta));
        break;
      }
      case 'tool_call': {
        const draft = yield* this.#call(event.name, event.id);
        yield* this.#close(draft.end(event.status === 'incomplete' ? 'incomplete' : 'completed', event.arguments));
        break;
      }
      case 'retract':
        if (this.#open && this.#options.isStreamed) yield* this.#close(this.#open.void());
        this.#open = undefined;
        break;
      case 'message':
        yield* this.#finish(event.message);
        break;
      case 'token':
      case 'usage':
      case 'end':
        break;
    }
  }

  /** The end of a message: an answer is an item even when it is empty. */
  *#finish(message: Extract<ChatEvent, { type: 'message' }>['message']): Generator<PlacedItemEvent> {
    const { surface: _s, tool: _t, undeclared: _u, incomplete, ...exact } = message;
    const status = incomplete ? 'incomplete' : 'completed';
    if (this.#open === undefined && message.channel === 'final' && message.surface === 'text')
      yield* this.#message('final');
    const open = this.#open;
    if (open instanceof ReasoningDraft) {
      const { seal } = this.#options;
      const sealed = seal && message.sampled ? seal(message.sampled) : undefined;
      yield* this.#close(open.end(status, sealed));
    } else if (open) {
      yield* this.#close(open.end(status));
    }
    const last = this.#items.at(-1);
    if (last && !this.#exact.has(last.id) && isOf(last, message.surface)) this.#exact.set(last.id, exact);
  }

  *#reasoning(): Generator<PlacedItemEvent, ReasoningDraft> {
    if (this.#open instanceof ReasoningDraft) return this.#open;
    return yield* this.#begin(new ReasoningDraft(this.#options.summarizes));
  }

  *#message(channel: 'final' | 'commentary'): Generator<PlacedItemEvent, MessageDraft> {
    if (this.#open instanceof MessageDraft) return this.#open;
    return yield* this.#begin(new MessageDraft(channel === 'final' ? 'final_answer' : 'commentary'));
  }

  *#call(name: string, id: string): Generator<PlacedItemEvent, CallDraft> {
    if (this.#open instanceof CallDraft) return this.#open;
    return yield* this.#begin(new CallDraft(this.#options.toolbox.called(name), id));
  }

  *#begin<D extends Draft>(draft: D): Generator<PlacedItemEvent, D> {
    if (this.#open) yield* this.#close(this.#open.end('completed'));
    this.#open = draft;
    yield* this.#place(draft.begin());
    return draft;
  }

  *#close(events: readonly ItemEvent[]): Generator<PlacedItemEvent> {
    const draft = this.#open;
    if (!draft) return;
    yield* this.#place(events);
    this.#items.push(draft.item);
    this.#open = undefined;
  }

  *#place(events: readonly ItemEvent[]): Generator<PlacedItemEvent> {
    const place = { output_index: this.#items.length };
    for (const event of events) {
      yield 'item' in event ? { ...event, ...place } : { ...event, item_id: this.#open?.item.id ?? '', ...place };
    }
  }
}

function isOf(item: OutputItem, surface: string): boolean {
  if (surface === 'reasoning') return item.type === 'reasoning';
  if (surface === 'text') return item.type === 'message';
  return item.type === 'function_call' || item.type === 'custom_tool_call';
}
