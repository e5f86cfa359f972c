import type { AssistantMessage, ChatMessage, ToolCall } from '../../chat/index.ts';
import { answerMessage, functionCallMessage, type Message, reasoningMessage } from '../../harmony/index.ts';
import { badRequest } from '../validate.ts';
import { approvalOf } from './hosted/approvals.ts';
import { type HostedNames, hostedCall, hostedMessage, hostedResult } from './hosted/history.ts';
import { textOf } from './input.ts';
import type { InputItem } from './items.ts';
import type { Written } from './store.ts';
import { modelName } from './tools.ts';

/** An item of a conversation, with what the model really wrote for it where that is known. */
export interface HistoryItem {
  readonly item: InputItem;
  readonly exact?: Written;
}

export interface HistoryOptions {
  /** Gives a message back with what the model really wrote, if it is remembered. */
  readonly restore?: (message: AssistantMessage) => ChatMessage;
  /** What runs here in the response to come: calls that have been approved are left to it. */
  readonly hosted?: HostedNames;
}

/** The items of a conversation as messages; what the model wrote between two of the user's, or of tools, is one message. */
export function toHistory(
  items: readonly HistoryItem[],
  instructions: string | null | undefined,
  options: HistoryOptions = {},
): ChatMessage[] {
  const history = new History(options);
  if (instructions) history.messages.push({ role: 'system', content: instructions });
  for (const entry of items) history.add(entry);
  return history.end();
}

class History {
  readonly messages: ChatMessage[] = [];
  readonly #restore: (message: AssistantMessage) => ChatMessage;
  readonly #hosted: HostedNames | undefined;
  readonly #calls = new Set<unknown>();
  /** Calls that wait for approval, and whether they have it. */
  readonly #waiting = new Map<unknown, boolean>();
  #turn: HistoryItem[] = [];

  constructor({ restore = (message) => message, hosted }: HistoryOptions) {
    this.#restore = restore;
    this.#hosted = hosted;
  }

  add(entry: HistoryItem): void {
    const { item } = entry;
    if (item.type === 'mcp_approval_response') this.#approval(item);
    else if (item.type === 'mcp_call' && this.#waiting.has(item.approval_request_id)) {
      this.#answer(String(item.approval_request_id), hostedResult(entry));
    } else if (isHosted(item.type)) this.#hostedCall(entry);
    else if (isAssistants(item)) {
      this.#giveUp();
      this.#turn.push(entry);
      if (typeof item.call_id === 'string') this.#calls.add(item.call_id);
    } else {
      const message = otherMessage(item, this.#calls);
      if (message === undefined) return;
      this.#giveUp();
      this.#endTurn();
      this.messages.push(message);
    }
  }

  end(): ChatMessage[] {
    if (this.#hosted === undefined || [...this.#waiting.values()].includes(false)) this.#giveUp();
    this.#endTurn();
    return this.messages.length === 0 ? [{ role: 'user', content: '' }] : this.messages;
  }

  /** A call that ran on the server: its result stands right behind it. */
  #hostedCall(entry: HistoryItem): void {
    const call = hostedCall(entry, this.#hosted);
    if (call === undefined) return;
    const asks = entry.item.type === 'mcp_approval_request';
    if (!asks) this.#giveUp();
    this.#turn.push(entry);
    if (asks) this.#waiting.set(call.id, false);
    else this.#answer(call.id, hostedResult(entry));
  }

  #approval(item: InputItem): void {
    const id = String(item.approval_request_id);
    if (!this.#waiting.has(id)) {
      throw badRequest(`input: no mcp_approval_request before this response has the id "${id}"`, 'input');
    }
    const { allowed, reason } = approvalOf(item);
    if (allowed) this.#waiting.set(id, true);
    else this.#answer(id, reason === undefined ? 'The user did not allow this call.' : `Not allowed: ${reason}`);
  }

  #answer(toolCallId: string, content: string): void {
    this.#waiting.delete(toolCallId);
    this.#endTurn();
    this.messages.push({ role: 'tool', content, toolCallId });
  }

  /** Something else comes after calls that wait: they will not run any more. */
  #giveUp(): void {
    for (const id of [...this.#waiting.keys()]) this.#answer(String(id), 'Not run: nobody allowed it.');
  }

  #endTurn(): void {
    const message = assistantMessage(this.#turn, this.#restore, this.#hosted);
    if (message.content || message.reasoning || message.toolCalls) this.messages.push(message);
    this.#turn = [];
  }
}

/** A call that ran on the server, or waits to. */
export function isHosted(type: string): boolean {
  return /^(?:web_search_call|code_interpreter_call|mcp_call|mcp_approval_request)$/.test(type);
}

export function isCall(type: string): boolean {
  return type === 'function_call' || type === 'custom_tool_call';
}

function isAssistants({ type, role }: InputItem): boolean {
  return type === 'reasoning' || isCall(type) || (type === 'message' && role === 'assistant');
}

/** Undefined for items that mean nothing to the model. */
function otherMessage(item: InputItem, calls: ReadonlySet<unknown>): ChatMessage | undefined {
  if (item.type === 'message') {
    const content = textOf(item.content);
    return item.role === 'user' ? { role: 'user', content } : { role: 'system', content };
  }
  if (item.type !== 'function_call_output' && item.type !== 'custom_tool_call_output') return undefined;
  const toolCallId = String(item.call_id);
  if (!calls.has(toolCallId)) {
    throw badRequest(`input: no function call before this output has the call_id "${toolCallId}"`, 'input');
  }
  return { role: 'tool', content: textOf(item.output), toolCallId };
}

/**
 * What the model wrote in one go. With its own words where they are known; else as plain fields, with the words of a turn that is
 * remembered; but a remark before a call is told apart from an answer, which plain fields cannot do.
 */
function assistantMessage(
  turn: readonly HistoryItem[],
  restore: (message: AssistantMessage) => ChatMessage,
  names: HostedNames | undefined,
): AssistantMessage {
  const texts = (type: string) => turn.filter(({ item }) => item.type === type).map(({ item }) => itemText(item));
  const content = texts('message').join('\n\n');
  const reasoning = texts('reasoning').join('\n\n');
  const toolCalls = turn.flatMap((entry) => toCall(entry, names));
  const message: AssistantMessage = {
    ...{ role: 'assistant', content },
    ...(reasoning === '' ? {} : { reasoning }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  };
  if (!turn.every(({ exact }) => exact !== undefined)) {
    const restored = restore(message);
    if (restored.role === 'assistant' && restored.harmony !== undefined) return restored;
  }
  const isKnown = turn.some(({ exact }) => exact !== undefined);
  if (!isKnown && (toolCalls.length === 0 || content === '')) return message;
  const lastCall = turn.findLastIndex(({ item }) => isCall(item.type) || isHosted(item.type));
  return { ...message, harmony: turn.flatMap((entry, i) => toHarmony(entry, i < lastCall, names)) };
}

function itemText({ type, content, summary }: InputItem): string {
  return (type === 'reasoning' && textOf(content)) || textOf(type === 'reasoning' ? summary : content);
}

function toCall(entry: HistoryItem, names: HostedNames | undefined): ToolCall[] {
  const { item } = entry;
  const hosted = isHosted(item.type) ? hostedCall(entry, names) : undefined;
  if (hosted !== undefined) return [hosted];
  if (!isCall(item.type)) return [];
  const written = item.type === 'custom_tool_call' ? item.input : item.arguments;
  return [{ id: String(item.call_id), name: modelName(String(item.name), item.namespace), arguments: String(written) }];
}

/** `leadsToCall`: what is said is said on the way to a call. */
function toHarmony(entry: HistoryItem, leadsToCall: boolean, names: HostedNames | undefined): Message[] {
  const { item, exact } = entry;
  if (exact !== undefined) {
    const { result: _, ...message } = exact;
    return [message];
  }
  const [call] = toCall(entry, names);
  if (call !== undefined && isHosted(item.type)) return [hostedMessage(call)];
  if (call !== undefined) return [functionCallMessage(call.name, call.arguments)];
  const text = itemText(item);
  if (text === '') return [];
  if (item.type === 'reasoning') return [reasoningMessage(text)];
  const isRemark = item.phase === 'commentary' || leadsToCall;
  return [isRemark ? { role: 'assistant', channel: 'commentary', content: text } : answerMessage(text)];
}
