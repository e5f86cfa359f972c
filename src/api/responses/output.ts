import type { ActCall, ActEvent, ChatEvent, ToolCall } from '../../chat/index.ts';
import type { Message } from '../../harmony/index.ts';
import type { AnswerTokens, TokenLogprob } from '../answer-tokens.ts';
import { CallDraft, type Draft, MessageDraft, ReasoningDraft } from './drafts.ts';
import type { ItemEvent } from './events.ts';
import { citationsOf } from './hosted/citations.ts';
import { CodeDraft, type HostedDraft, isHostedDraft, McpCallDraft, WebSearchDraft } from './hosted/drafts.ts';
import type { McpApprovalRequestItem, McpListToolsItem } from './hosted/items.ts';
import type { HostedKind, HostedTools } from './hosted/tools.ts';
import { newId } from './ids.ts';
import type { OutputItem } from './items.ts';
import type { Written } from './store.ts';
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
  /** What runs here. Absent: nothing. */
  readonly hosted?: HostedOutput;
}

export interface HostedOutput {
  readonly tools: Pick<HostedTools, 'kindOf' | 'citations'>;
  /** Whose pages and variables they work on, to clients and to tools. */
  readonly container: string;
  readonly conversation: string;
  readonly withSources: boolean;
  readonly withOutputs: boolean;
}

/** A call whose item begins only once it is known whether somebody has to be asked. */
interface HeldCall {
  readonly call: ToolCall;
  exact?: Message;
}

export type PlacedItemEvent = ItemEvent & { readonly output_index: number; readonly item_id?: string };

/**
 * The output of a response as it comes about: a turn's events in, items and their events out. One item at a time is open, and
 * its place never changes. Text that is taken back leaves an empty item behind where its place has been seen.
 */
export class Output {
  readonly #options: OutputOptions;
  readonly #items: OutputItem[] = [];
  readonly #exact = new Map<string, Written>();
  #open: Draft | undefined;
  /** The items of calls that run here, by the calls' ids. */
  readonly #itemsOfCalls = new Map<string, string>();
  readonly #held = new Map<string, HeldCall>();
  #lastHeld: HeldCall | undefined;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** All finished items. */
  get items(): readonly OutputItem[] {
    return this.#items;
  }

  /** What the model wrote for each item, by the item's id. */
  get exact(): ReadonlyMap<string, Written> {
    return this.#exact;
  }

  /** What an MCP server offers. */
  *list(item: McpListToolsItem): Generator<PlacedItemEvent> {
    const { error: _, ...begun } = { ...item, tools: [] };
    yield* this.#whole(begun, item, [
      { type: 'response.mcp_list_tools.in_progress' },
      { type: `response.mcp_list_tools.${item.error === undefined ? 'completed' : 'failed'}` },
    ]);
  }

  *push(event: ChatEvent | ActEvent): Generator<PlacedItemEvent> {
    const logprobs = this.#logprobs(event);
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
        const kind = this.#options.hosted?.tools.kindOf(event);
        if (kind !== undefined) {
          yield* this.#hostedDelta(kind, event);
          break;
        }
        const draft = yield* this.#call(event.name, event.id);
        yield* this.#place(draft.write(event.delta));
        break;
      }
      case 'tool_call': {
        const kind = this.#options.hosted?.tools.kindOf(event);
        if (kind !== undefined) {
          yield* this.#hostedCall(kind, event, event.status === 'incomplete');
          break;
        }
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
      case 'approval':
        yield* this.#ask(event.call);
        break;
      case 'tool_start':
        yield* this.#start(event.call);
        break;
      case 'tool_end':
        yield* this.#result(event);
        break;
      default:
        break;
    }
  }

  #logprobs(event: ChatEvent | ActEvent): readonly TokenLogprob[] {
    const { logprobs } = this.#options;
    const isOfActing =
      event.type === 'end' ||
      event.type === 'approval' ||
      event.type === 'step' ||
      /^tool_(?:start|progress|end)$/.test(event.type);
    return isOfActing ? [] : (logprobs?.push(event as ChatEvent) ?? []);
  }

  /** The end of a message: an answer is an item even when it is empty. */
  *#finish(message: Extract<ChatEvent, { type: 'message' }>['message']): Generator<PlacedItemEvent> {
    const { surface: _s, tool: _t, undeclared: _u, incomplete, ...exact } = message;
    const status = incomplete ? 'incomplete' : 'completed';
    if (this.#open === undefined && message.channel === 'final' && message.surface === 'text')
      yield* this.#message('final');
    const open = this.#open;
    if (this.#lastHeld !== undefined) {
      this.#lastHeld.exact = exact;
      this.#lastHeld = undefined;
      return;
    }
    if (isHostedDraft(open)) {
      this.#exact.set(open.item.id, exact);
      return;
    }
    if (open instanceof MessageDraft && message.channel === 'final') {
      yield* this.#close(open.end(status, this.#citations(open.text)));
    } else if (open instanceof ReasoningDraft) {
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

  #citations(text: string) {
    const { hosted } = this.#options;
    return hosted ? citationsOf(text, hosted.tools.citations(hosted.conversation, text)) : [];
  }

  /** A piece of a call that runs here. Of a search the whole call has to be known; of one that asks first, whether it may run. */
  *#hostedDelta(kind: HostedKind, { id, delta }: { readonly id: string; readonly delta: string }) {
    if (kind.type === 'web_search' || (kind.type === 'mcp' && kind.asksFirst)) return;
    yield* this.#place((yield* this.#hosted(kind, id)).write(delta));
  }

  *#hostedCall(kind: HostedKind, call: ToolCall, isIncomplete: boolean): Generator<PlacedItemEvent> {
    if (isIncomplete) {
      const open = this.#open;
      if (!isHostedDraft(open)) return;
      yield* this.#place(open.written(call.arguments));
      yield* this.#close(open.end('incomplete'));
    } else if (kind.type === 'mcp' && kind.asksFirst) {
      this.#lastHeld = { call };
      this.#held.set(call.id, this.#lastHeld);
    } else {
      yield* this.#place((yield* this.#hosted(kind, call.id, call)).written(call.arguments));
    }
  }

  /** The item of a call that runs here, begun where it is not yet. */
  *#hosted(kind: HostedKind, callId: string, call?: ToolCall): Generator<PlacedItemEvent, HostedDraft> {
    const open = this.#open;
    if (isHostedDraft(open) && this.#itemsOfCalls.get(callId) === open.item.id) return open;
    const draft = yield* this.#begin(this.#hostedDraft(kind, call));
    this.#itemsOfCalls.set(callId, draft.item.id);
    return draft;
  }

  #hostedDraft(kind: HostedKind, call: ToolCall | undefined): HostedDraft {
    const { container, withSources, withOutputs } = this.#options.hosted!;
    if (kind.type === 'code_interpreter') return new CodeDraft(container, withOutputs);
    if (kind.type === 'web_search') return new WebSearchDraft(call?.name ?? '', call?.arguments ?? '', withSources);
    // The call of an earlier response bears the id of the request for its approval.
    const approval = call?.id.startsWith('mcpr_') ? call.id : null;
    return new McpCallDraft(kind.server, kind.name, approval);
  }

  /** A call waits for approval: its item is the request for it. Asked again, in the response that answers it, it is none. */
  *#ask(call: ActCall): Generator<PlacedItemEvent> {
    const kind = this.#options.hosted?.tools.kindOf(call);
    const held = this.#held.get(call.id);
    if (kind?.type !== 'mcp' || held === undefined) return;
    this.#held.delete(call.id);
    const { server, name } = kind;
    const item: McpApprovalRequestItem = {
      type: 'mcp_approval_request',
      id: newId('mcpr'),
      server_label: server,
      name,
      arguments: call.arguments,
    };
    yield* this.#whole(item, item);
    if (held.exact) this.#exact.set(item.id, held.exact);
  }

  *#start(call: ActCall): Generator<PlacedItemEvent> {
    yield* this.#place((yield* this.#known(call)).start());
  }

  *#result({ call, result, cut, refused }: Extract<ActEvent, { type: 'tool_end' }>): Generator<PlacedItemEvent> {
    const text = cut ?? result.text;
    const open = this.#open;
    const isOpen = isHostedDraft(open) && this.#itemsOfCalls.get(call.id) === open.item.id;
    // Two calls of one turn: the first one's item has ended without its result.
    const draft = isOpen || !this.#itemsOfCalls.has(call.id) ? yield* this.#known(call) : undefined;
    if (draft) yield* this.#close(draft.finish({ result, text, isCut: refused === true }));
    const id = this.#itemsOfCalls.get(call.id) ?? '';
    const exact = this.#exact.get(id);
    if (exact) this.#exact.set(id, { ...exact, result: text });
  }

  /** The item of a call that is about to run, or has not run at all. */
  *#known(call: ActCall): Generator<PlacedItemEvent, HostedDraft> {
    const kind = this.#options.hosted!.tools.kindOf(call)!;
    const isNew = !this.#itemsOfCalls.has(call.id);
    const draft = yield* this.#hosted(kind, call.id, call);
    const held = this.#held.get(call.id);
    this.#held.delete(call.id);
    if (held?.exact) this.#exact.set(draft.item.id, held.exact);
    if (isNew) yield* this.#place(draft.written(call.arguments));
    return draft;
  }

  /** An item that is there at once. */
  *#whole(begun: OutputItem, item: OutputItem, between: readonly ItemEvent[] = []): Generator<PlacedItemEvent> {
    if (this.#open) yield* this.#close(this.#open.end('completed'));
    const place = { output_index: this.#items.length };
    yield { type: 'response.output_item.added', item: begun, ...place };
    for (const event of between) yield { ...event, item_id: item.id, ...place };
    yield { type: 'response.output_item.done', item, ...place };
    this.#items.push(item);
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
