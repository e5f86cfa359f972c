import type { ChatMessage, ToolCall, ToolDeclaration } from '../../chat/index.ts';
import { badRequest } from '../validate.ts';
import type { CallMemory } from './call-memory.ts';
import type { ChatBody, OllamaMessage } from './schema.ts';
import { withoutNulls } from './tool-schema.ts';

/**
 * Ollama's messages as a history. Calls get the ids that the model's own had, where they are remembered, or ids by their place; results
 * find their call by id, else by name, else in order.
 */
export function toHistory(messages: readonly OllamaMessage[], whose: string, memory: CallMemory): ChatMessage[] {
  if (messages.at(-1)?.role === 'assistant') {
    const why = 'gpt-oss does not go on with a message that was begun for it';
    throw badRequest(`messages: the last one is the assistant's, but ${why}`, 'messages');
  }
  const history = messages.map(toMessage);
  const recalled = memory.recall(whose, history);
  const calls = new OpenCalls();
  return history.map((message, index) => {
    if (message.role === 'tool') {
      return { role: 'tool', content: message.content, ...calls.answer(messages[index]!, index) };
    }
    const toolCalls = message.role === 'assistant' ? (recalled[index] ?? message.toolCalls) : undefined;
    if (message.role !== 'assistant' || toolCalls === undefined) return message;
    calls.add(toolCalls, messages[index]!);
    return { ...message, toolCalls };
  });
}

function toMessage(message: OllamaMessage, index: number): ChatMessage {
  refuseImages(message.images, `messages[${index}].images`);
  const { role, content = '', thinking } = message;
  if (role !== 'assistant') return { role, content };
  const toolCalls = (message.tool_calls ?? []).map(
    ({ id, function: { name, arguments: given = {} } }, i): ToolCall => ({
      id: id ?? `call_${index}_${i}`,
      name,
      arguments: typeof given === 'string' ? given : JSON.stringify(given),
    }),
  );
  return {
    role,
    content,
    ...(thinking ? { reasoning: thinking } : {}),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  };
}

export function refuseImages(images: readonly unknown[] | undefined, param: string): void {
  if (images === undefined || images.length === 0) return;
  throw badRequest(`${param}: gpt-oss reads text only, and this request has images`, param);
}

/** Calls that wait for their results. */
class OpenCalls {
  #open: { readonly call: ToolCall; readonly sentId: string | undefined }[] = [];

  add(calls: readonly ToolCall[], { tool_calls: sent = [] }: OllamaMessage): void {
    this.#open.push(...calls.map((call, i) => ({ call, sentId: sent[i]?.id })));
  }

  answer(
    { tool_call_id: id, tool_name, name = tool_name }: OllamaMessage,
    index: number,
  ): { toolCallId?: string; name?: string } {
    const found =
      this.#open.find(({ call, sentId }) => id !== undefined && (id === sentId || id === call.id)) ??
      // An id that is nobody's is a mistake where calls have ids; where they have none, it says nothing.
      (id === undefined || this.#open.every(({ sentId }) => sentId === undefined) ? this.#next(name) : undefined);
    if (found !== undefined) {
      this.#open = this.#open.filter((other) => other !== found);
      return { toolCallId: found.call.id };
    }
    if (name !== undefined) return { name };
    const why = id === undefined ? 'no call waits for one' : `no call has the id "${id.slice(0, 80)}"`;
    throw badRequest(`messages[${index}]: cannot tell which call this result answers: ${why}`, `messages[${index}]`);
  }

  /** The first of this name, or the first of all when none is given. */
  #next(name: string | undefined) {
    return name === undefined ? this.#open[0] : this.#open.find(({ call }) => call.name === name);
  }
}

export function toTools(tools: ChatBody['tools'] = []): ToolDeclaration[] {
  return tools.map(({ function: { name, description, parameters, strict } }) => ({
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters: withoutNulls(parameters) }),
    ...(strict === undefined ? {} : { strict }),
  }));
}
