import type { AssistantMessage, ChatMessage, ToolMessage } from '../../chat/index.ts';
import type { Seal } from '../seal.ts';
import { badRequest } from '../validate.ts';
import { toCallId } from './ids.ts';
import type { AssistantPart, MessageParam, ResultPart, SystemText, UserPart } from './schema.ts';

/** Texts of one kind in one message are joined as the turn's own texts are, so that a turn sent back is recognised. */
const BETWEEN = '\n\n';

/** Messages and instructions as a history. Throws `api/bad-request` for what the models cannot read. */
export function toHistory(
  system: SystemText | null | undefined,
  messages: readonly MessageParam[],
  seal: Seal,
): ChatMessage[] {
  if (messages.at(-1)?.role === 'assistant') {
    const why =
      'the conversation must end with a message of the user: gpt-oss does not go on with a message begun for it';
    throw badRequest(`messages: ${why}`, 'messages');
  }
  checkResults(messages);
  const instructions = systemText(system ?? '');
  const rest = messages.flatMap((message, i) => toMessages(message, `messages[${i}]`, seal));
  return [...(instructions === '' ? [] : [{ role: 'system' as const, content: instructions }]), ...rest];
}

/** Every result answers a call that stands before it. */
function checkResults(messages: readonly MessageParam[]): void {
  const calls = new Set<string>();
  for (const [i, { content }] of messages.entries()) {
    if (typeof content === 'string') continue;
    for (const [j, part] of content.entries()) {
      if (part.type === 'tool_use') calls.add(part.id);
      if (part.type !== 'tool_result' || calls.has(part.tool_use_id)) continue;
      const path = `messages[${i}].content[${j}].tool_use_id`;
      throw badRequest(`${path}: no tool_use before it has the id "${part.tool_use_id}"`, path);
    }
  }
}

/**
 * Claude Code puts a line before its instructions that changes with every request and means nothing to a model; it would make
 * every prompt new to the prefix cache.
 */
const BILLING_LINE = /^x-anthropic-billing-header:[^\n]*\n?/;

function systemText(system: SystemText): string {
  const texts = typeof system === 'string' ? [system] : system.map(({ text }) => text);
  return texts
    .map((text) => text.replace(BILLING_LINE, ''))
    .filter((text) => text !== '')
    .join(BETWEEN);
}

function toMessages(message: MessageParam, path: string, seal: Seal): ChatMessage[] {
  const { role, content } = message;
  if (role === 'system') return [{ role, content: systemText(content) }];
  if (typeof content === 'string') return [{ role, content }];
  return role === 'user'
    ? userMessages(content as readonly UserPart[], `${path}.content`)
    : [assistantMessage(content as readonly AssistantPart[], seal)];
}

/** Results of calls and what the user says beside them, in order. */
function userMessages(parts: readonly UserPart[], path: string): ChatMessage[] {
  const messages: ChatMessage[] = [];
  let texts: string[] = [];
  const flush = () => {
    if (texts.length > 0) messages.push({ role: 'user', content: texts.join(BETWEEN) });
    texts = [];
  };
  parts.forEach((part, i) => {
    if (part.type !== 'tool_result') {
      texts.push(partText(part) ?? refuse(part.type, `${path}[${i}]`));
      return;
    }
    flush();
    messages.push(toolMessage(part));
  });
  flush();
  return messages;
}

function toolMessage({ tool_use_id, content, is_error }: Extract<UserPart, { type: 'tool_result' }>): ToolMessage {
  const text =
    typeof content === 'string'
      ? content
      : (content ?? []).map((part) => partText(part) ?? `[${part.type}: this model reads text only]`).join(BETWEEN);
  const marked = is_error === true && !/^\W*error/i.test(text) ? `Error: ${text}` : text;
  return { role: 'tool', toolCallId: toCallId(tool_use_id), content: marked };
}

function assistantMessage(parts: readonly AssistantPart[], seal: Seal): AssistantMessage {
  const texts: string[] = [];
  const thoughts: string[] = [];
  const toolCalls = [];
  for (const part of parts) {
    if (part.type === 'text') texts.push(part.text);
    if (part.type === 'thinking') thoughts.push(seal.open(part.signature ?? '') ?? part.thinking);
    if (part.type === 'tool_use') {
      toolCalls.push({ id: toCallId(part.id), name: part.name, arguments: JSON.stringify(part.input) });
    }
    // What is in a redacted thought only its maker can read.
  }
  const [content, reasoning] = [texts, thoughts].map((list) => list.filter((text) => text !== '').join(BETWEEN));
  return {
    role: 'assistant',
    ...(content ? { content } : {}),
    ...(reasoning ? { reasoning } : {}),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  };
}

/** A part as text; undefined for what is none. */
function partText(part: ResultPart): string | undefined {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'image':
      return undefined;
    case 'tool_reference':
      return part.tool_name;
    case 'search_result':
      return [part.title, part.source, ...part.content.map(({ text }) => text)].join('\n');
    case 'document':
      return documentText(part);
  }
}

function documentText({ source, title, context }: Extract<ResultPart, { type: 'document' }>): string | undefined {
  const text =
    source.type === 'text' ? source.data : source.type === 'content' ? contentText(source.content) : undefined;
  return text === undefined ? undefined : [title, context, text].filter((line) => line != null).join('\n');
}

type DocumentContent = Extract<Extract<ResultPart, { type: 'document' }>['source'], { type: 'content' }>['content'];

function contentText(content: DocumentContent): string | undefined {
  if (typeof content === 'string') return content;
  const texts = content.map((part) => (part.type === 'text' ? part.text : undefined));
  return texts.includes(undefined) ? undefined : texts.join('\n');
}

function refuse(type: string, path: string): never {
  const what = type === 'document' ? 'documents other than plain text' : `${type}s`;
  throw badRequest(`${path}: gpt-oss reads text only, ${what} cannot be used`, path);
}
