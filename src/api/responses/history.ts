import type { AssistantMessage, ChatMessage, ToolCall } from '../../chat/index.ts';
import { answerMessage, functionCallMessage, type Message, reasoningMessage } from '../../harmony/index.ts';
import { badRequest } from '../validate.ts';
import { textOf } from './input.ts';
import type { InputItem } from './items.ts';
import { modelName } from './tools.ts';

/** An item of a conversation, with what the model really wrote for it where that is known. */
export interface HistoryItem {
  readonly item: InputItem;
  readonly exact?: Message;
}

/**
 * The items of a conversation as messages; what the model wrote between two of the user's, or of tools, is one message.
 * `restore`: gives a message back with what the model really wrote, if it is remembered.
 */
export function toHistory(
  items: readonly HistoryItem[],
  instructions: string | null | undefined,
  restore: (message: AssistantMessage) => ChatMessage = (message) => message,
): ChatMessage[] {
  const messages: ChatMessage[] = instructions ? [{ role: 'system', content: instructions }] : [];
  const calls = new Set<unknown>();
  let turn: HistoryItem[] = [];
  const endTurn = () => {
    const message = assistantMessage(turn, restore);
    if (message.content || message.reasoning || message.toolCalls) messages.push(message);
    turn = [];
  };
  for (const entry of items) {
    const { item } = entry;
    if (isAssistants(item)) {
      turn.push(entry);
      if (typeof item.call_id === 'string') calls.add(item.call_id);
      continue;
    }
    const message = otherMessage(item, calls);
    if (message === undefined) continue;
    endTurn();
    messages.push(message);
  }
  endTurn();
  return messages.length === 0 ? [{ role: 'user', content: '' }] : messages;
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
): AssistantMessage {
  const texts = (type: string) => turn.filter(({ item }) => item.type === type).map(({ item }) => itemText(item));
  const content = texts('message').join('\n\n');
  const reasoning = texts('reasoning').join('\n\n');
  const toolCalls = turn.flatMap(({ item }) => toCall(item));
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
  const lastCall = turn.findLastIndex(({ item }) => isCall(item.type));
  return { ...message, harmony: turn.flatMap((entry, i) => toHarmony(entry, i < lastCall)) };
}

function itemText({ type, content, summary }: InputItem): string {
  return (type === 'reasoning' && textOf(content)) || textOf(type === 'reasoning' ? summary : content);
}

function toCall(item: InputItem): ToolCall[] {
  if (!isCall(item.type)) return [];
  const written = item.type === 'custom_tool_call' ? item.input : item.arguments;
  return [{ id: String(item.call_id), name: modelName(String(item.name), item.namespace), arguments: String(written) }];
}

/** `leadsToCall`: what is said is said on the way to a call. */
function toHarmony({ item, exact }: HistoryItem, leadsToCall: boolean): Message[] {
  if (exact !== undefined) return [exact];
  const [call] = toCall(item);
  if (call !== undefined) return [functionCallMessage(call.name, call.arguments)];
  const text = itemText(item);
  if (text === '') return [];
  if (item.type === 'reasoning') return [reasoningMessage(text)];
  const isRemark = item.phase === 'commentary' || leadsToCall;
  return [isRemark ? { role: 'assistant', channel: 'commentary', content: text } : answerMessage(text)];
}
