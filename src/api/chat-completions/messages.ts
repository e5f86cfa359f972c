import type { AssistantMessage, ChatMessage, ToolCall } from '../../chat/index.ts';
import { given } from '../sampling.ts';
import { badRequest } from '../validate.ts';
import type { MessageParam } from './schema.ts';

/** The conversation that a client sent. Throws `api/bad-request` where a message says what a text model cannot read. */
export function toMessages(messages: readonly MessageParam[]): ChatMessage[] {
  return messages.map((message, index) => toMessage(message, `messages[${index}]`));
}

function toMessage(message: MessageParam, path: string): ChatMessage {
  switch (message.role) {
    case 'system':
    case 'developer':
    case 'user':
      return { role: message.role, content: required(message, path) };
    case 'assistant':
      return toAssistantMessage(message, path);
    case 'tool': {
      // Without an id it answers the one call that waits; sloppy clients rely on that.
      const call = message.tool_call_id ? { toolCallId: message.tool_call_id } : given({ name: message.name });
      return { role: 'tool', content: required(message, path), ...call };
    }
    case 'function':
      if (message.name == null) throw badRequest(`${path}.name: expected the name of the function`, `${path}.name`);
      return { role: 'tool', content: textOf(message.content, path), name: message.name };
  }
}

function toAssistantMessage(message: MessageParam, path: string): AssistantMessage {
  const calls = (message.tool_calls ?? []).map((call, i) => toToolCall(call, `${path}.tool_calls[${i}]`));
  const legacy = message.function_call;
  if (legacy != null && calls.length === 0) {
    calls.push({ id: `${path}.function_call`, name: legacy.name, arguments: jsonOf(legacy.arguments) });
  }
  const content = textOf(message.content, path) || (message.refusal ?? '');
  const reasoning = message.reasoning ?? message.reasoning_content ?? '';
  return {
    role: 'assistant',
    ...(content === '' ? {} : { content }),
    ...(reasoning === '' ? {} : { reasoning }),
    ...(calls.length === 0 ? {} : { toolCalls: calls }),
  };
}

function toToolCall(call: NonNullable<MessageParam['tool_calls']>[number], path: string): ToolCall {
  const { custom, function: called } = call;
  const id = call.id || path;
  if (custom) return { id, name: custom.name, arguments: custom.input };
  if (called) return { id, name: called.name, arguments: jsonOf(called.arguments) };
  throw badRequest(`${path}: expected "function" with its name and arguments`, path);
}

function jsonOf(value: string | object | null | undefined): string {
  return typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value);
}

function required(message: MessageParam, path: string): string {
  if (message.content != null) return textOf(message.content, path);
  throw badRequest(`${path}.content: expected a text, or a list of text parts`, `${path}.content`);
}

/** A message's text; its parts are lines, as in vLLM. */
function textOf(content: MessageParam['content'], path: string): string {
  if (content == null) return '';
  if (typeof content === 'string') return content;
  return content.map((part, i) => partText(part, `${path}.content[${i}]`)).join('\n');
}

function partText({ type, text, refusal }: { type: string; text?: unknown; refusal?: unknown }, path: string): string {
  if (type === 'text' && typeof text === 'string') return text;
  if (type === 'refusal' && typeof refusal === 'string') return refusal;
  if (type === 'text') throw badRequest(`${path}.text: expected a text`, `${path}.text`);
  throw badRequest(`${path}: gpt-oss reads text only, and got a part of type ${JSON.stringify(type)}`, path);
}
