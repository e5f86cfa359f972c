import type { ToolCall } from '../../chat/index.ts';
import type { Reply } from '../reply.ts';
import { argumentsObject } from './arguments.ts';
import { lend, nameOf } from './lending.ts';
import { loadOrUnload } from './loading.ts';
import { toHistory, toTools } from './messages.ts';
import { checkContext, turnOptions } from './options.ts';
import type { OllamaRequest, OllamaState } from './request.ts';
import type { ChatBody } from './schema.ts';
import { conversationTurn, turnReply, type Wording } from './turn-reply.ts';

/** `POST /api/chat`. Without messages it loads a model, or unloads it when `keep_alive` is 0. */
export async function chat(body: ChatBody, state: OllamaState, request: OllamaRequest): Promise<Reply> {
  const startedAt = performance.now();
  const { messages = [], stream = true } = body;
  const name = nameOf(body);
  if (messages.length === 0) return await loadOrUnload(body, state, request, message());
  const options = { ...turnOptions(body), tools: toTools(body.tools) };
  const lease = await lend(state.host, name, { keepAlive: body.keep_alive, signal: request.signal });
  try {
    checkContext(body, lease.model.info.contextLength);
    const whose = `${request.client}\n${lease.model.name}`;
    const history = toHistory(messages, whose, state.calls);
    const finished = (turn: Parameters<typeof state.calls.remember>[2]) => state.calls.remember(whose, history, turn);
    const start = conversationTurn(lease, history, options);
    return await turnReply({ name, lease, start, stream, startedAt, wording, finished }, state, request);
  } catch (error) {
    lease.release();
    throw error;
  }
}

const wording: Wording = {
  part(part) {
    switch (part.type) {
      case 'thinking':
        return message({ thinking: part.text });
      case 'content':
        return message({ content: part.text });
      case 'call':
        return message({ tool_calls: [toolCall(part.call, part.index)] });
    }
  },
  last: () => message(),
  whole({ content = '', reasoning, toolCalls = [] }) {
    return message({
      content,
      ...(reasoning === undefined ? {} : { thinking: reasoning }),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toolCall) }),
    });
  },
};

function message(fields: { content?: string; thinking?: string; tool_calls?: object[] } = {}): object {
  return { message: { role: 'assistant', content: '', ...fields } };
}

function toolCall(call: ToolCall, index: number): object {
  return { id: call.id, function: { index, name: call.name, arguments: argumentsObject(call) } };
}
