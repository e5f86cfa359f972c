import { pick } from '../../src/conform/check.ts';
import type { SseEvent } from '../../src/conform/exchange.ts';
import type { Fault } from './faulty-server.ts';

type Json = Record<string, unknown>;

/** A copy of parsed JSON in which every object, from the inside out, has gone through `change`. */
function deep(value: unknown, change: (object: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((element) => deep(element, change));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, deep(inner, change)]);
  return change(Object.fromEntries(entries));
}

const without = (name: string) => (object: Json) => {
  const { [name]: _, ...rest } = object;
  return rest;
};
/** Changes every object of every event. */
const inEvents = (change: (object: Json) => Json) => (events: SseEvent[]) =>
  events.map(({ event, data }) => ({ event, data: deep(data, change) }));
const inBody = (change: (object: Json) => Json) => (body: Json) => deep(body, change);
/** Leaves out events by the type in their data, or by what the data is. */
const drop = (isDropped: (type: string, data: unknown) => boolean) => (events: SseEvent[]) =>
  events.filter(({ data }) => !isDropped(String(pick(data, 'type') ?? data), data));
const isCallPiece = (object: Json) => 'function' in object;
const hasThoughts = (object: Json) => typeof object.reasoning_content === 'string';

/** A fault, and the checks that must name it: those, and no others. */
export interface KnownFault extends Fault {
  readonly breaks: readonly string[];
}

const CHAT = '/v1/chat/completions';

export const chatFaults: readonly KnownFault[] = [
  {
    name: 'the first delta has no role',
    path: CHAT,
    events: inEvents((object) => ('role' in object ? without('role')(object) : object)),
    breaks: ['chat.stream.role'],
  },
  {
    name: 'no finish_reason in streams',
    path: CHAT,
    events: inEvents((object) => ('finish_reason' in object ? { ...object, finish_reason: null } : object)),
    breaks: ['chat.stream.finish', 'chat.stream.tool-finish'],
  },
  {
    name: 'usage comes without choices',
    path: CHAT,
    events: inEvents((object) =>
      Array.isArray(object.choices) && object.choices.length === 0 ? without('choices')(object) : object,
    ),
    breaks: ['chat.stream.usage-choices'],
  },
  {
    name: 'an empty chunk comes first',
    path: CHAT,
    events: (events) => [{ event: undefined, data: { ...(events[0]!.data as Json), choices: [] } }, ...events],
    breaks: ['chat.stream.no-early-empty'],
  },
  {
    name: 'no usage in streams',
    path: CHAT,
    events: inEvents(without('usage')),
    breaks: ['chat.stream.usage'],
  },
  {
    name: 'pieces of calls have no index',
    path: CHAT,
    events: inEvents((object) => (isCallPiece(object) ? without('index')(object) : object)),
    breaks: ['chat.stream.tool-index'],
  },
  {
    name: 'pieces of calls have no type',
    path: CHAT,
    events: inEvents((object) => (isCallPiece(object) ? without('type')(object) : object)),
    breaks: ['chat.stream.tool-type'],
  },
  {
    name: 'turns with calls end with stop',
    path: CHAT,
    events: inEvents((object) =>
      object.finish_reason === 'tool_calls' ? { ...object, finish_reason: 'stop' } : object,
    ),
    body: inBody((object) => (object.finish_reason === 'tool_calls' ? { ...object, finish_reason: 'stop' } : object)),
    breaks: ['chat.stream.tool-finish', 'chat.tool.required'],
  },
  {
    name: 'no created',
    path: CHAT,
    events: inEvents(without('created')),
    body: inBody(without('created')),
    breaks: ['chat.envelope', 'chat.stream.envelope'],
  },
  {
    name: 'no [DONE]',
    path: CHAT,
    events: drop((type) => type === '[DONE]'),
    breaks: ['chat.stream.done'],
  },
  {
    name: 'thoughts only as reasoning_content',
    path: CHAT,
    events: inEvents(without('reasoning')),
    body: inBody(without('reasoning')),
    breaks: ['chat.reasoning', 'chat.stream.reasoning'],
  },
  {
    name: 'thoughts in the answer',
    path: CHAT,
    body: inBody((object) =>
      hasThoughts(object) ? { ...object, content: `${object.reasoning_content}${object.content ?? ''}` } : object,
    ),
    breaks: ['chat.reasoning-apart', 'chat.json-schema', 'chat.json-object'],
  },
  {
    name: 'markup in the answer',
    path: CHAT,
    body: inBody((object) =>
      typeof object.content === 'string'
        ? { ...object, content: `<|channel|>final<|message|>${object.content}` }
        : object,
    ),
    breaks: ['chat.reasoning-apart', 'chat.json-schema', 'chat.json-object', 'chat.markup'],
  },
  {
    name: 'errors are 200',
    path: CHAT,
    status: () => 200,
    breaks: ['chat.error.json', 'chat.error.type', 'chat.error.shape', 'chat.error.stream', 'chat.error.context'],
  },
  {
    name: 'errors are 500',
    path: CHAT,
    status: (status) => (status === 200 ? 200 : 500),
    breaks: [
      ...['chat.error.json', 'chat.error.type', 'chat.error.shape', 'chat.error.stream', 'chat.error.model'],
      'chat.error.context',
    ],
  },
  {
    name: 'errors are texts',
    path: CHAT,
    body: (body) => (pick(body, 'error') ? { error: pick(body, 'error.message') } : body),
    breaks: [
      ...['chat.error.json', 'chat.error.type', 'chat.error.shape', 'chat.error.stream', 'chat.error.model'],
      'chat.error.context',
    ],
  },
  {
    name: 'the conversation is cut in silence',
    path: CHAT,
    request: (body) => ({
      ...body,
      messages: JSON.stringify(body.messages).length > 9999 ? [{ role: 'user', content: 'word' }] : body.messages,
    }),
    breaks: ['chat.error.context'],
  },
  {
    name: 'n is ignored',
    path: CHAT,
    request: without('n'),
    breaks: ['chat.n'],
  },
  {
    name: 'logprobs are ignored',
    path: CHAT,
    request: (body) => without('logprobs')(without('top_logprobs')(body)),
    breaks: ['chat.logprobs'],
  },
  {
    name: 'response_format is ignored',
    path: CHAT,
    request: without('response_format'),
    breaks: ['chat.json-schema', 'chat.json-object'],
  },
  {
    name: 'tool_choice is ignored where a tool is named',
    path: CHAT,
    request: (body) => (typeof body.tool_choice === 'object' ? { ...body, tool_choice: 'auto' } : body),
    breaks: ['chat.tool.named'],
  },
  {
    name: 'max_completion_tokens is ignored',
    path: CHAT,
    request: without('max_completion_tokens'),
    breaks: ['chat.max-completion-tokens'],
  },
  {
    name: 'stop is ignored',
    path: CHAT,
    request: without('stop'),
    breaks: ['chat.stop'],
  },
  {
    name: 'nulls are refused',
    path: CHAT,
    when: (body) => Object.values(body).includes(null),
    status: () => 400,
    breaks: ['chat.nulls'],
  },
  {
    name: 'all streams have one id',
    path: CHAT,
    events: inEvents((object) => ('choices' in object ? { ...object, id: 'chatcmpl-1' } : object)),
    breaks: ['chat.concurrent'],
  },
  {
    name: 'all calls have one id',
    path: CHAT,
    body: inBody((object) => (isCallPiece(object) ? { ...object, id: 'call_0' } : object)),
    breaks: ['chat.tool.ids'],
  },
  {
    name: 'no x-request-id',
    path: CHAT,
    withoutHeader: 'x-request-id',
    breaks: ['chat.request-id'],
  },
];

const RESPONSES = '/v1/responses';

export const responsesFaults: readonly KnownFault[] = [
  {
    name: 'no response.created',
    path: RESPONSES,
    events: drop((type) => type === 'response.created'),
    breaks: ['responses.stream.created'],
  },
  {
    name: 'no response.completed',
    path: RESPONSES,
    events: drop((type) => type === 'response.completed'),
    breaks: ['responses.stream.completed', 'responses.stream.output'],
  },
  {
    name: '[DONE] before response.completed',
    path: RESPONSES,
    events: (events) => [...events.slice(0, -1), { event: undefined, data: '[DONE]' }, events.at(-1)!],
    breaks: ['responses.stream.no-early-done'],
  },
  {
    name: 'no content_part.added',
    path: RESPONSES,
    events: drop((type) => type === 'response.content_part.added'),
    breaks: ['responses.stream.part', 'responses.stream.reasoning-part', 'responses.stream.sequence'],
  },
  {
    name: 'no output_item.added',
    path: RESPONSES,
    events: drop((type) => type === 'response.output_item.added'),
    breaks: ['responses.stream.item', 'responses.stream.item-done', 'responses.stream.sequence'],
  },
  {
    name: 'no output_item.done',
    path: RESPONSES,
    events: drop((type) => type === 'response.output_item.done'),
    breaks: ['responses.stream.item-done', 'responses.stream.call', 'responses.stream.sequence'],
  },
  {
    name: 'no annotations',
    path: RESPONSES,
    events: inEvents(without('annotations')),
    body: inBody(without('annotations')),
    breaks: ['responses.annotations', 'responses.stream.annotations'],
  },
  {
    name: 'calls have no id of their own',
    path: RESPONSES,
    events: inEvents((object) => (object.type === 'function_call' ? without('id')(object) : object)),
    body: inBody((object) => (object.type === 'function_call' ? without('id')(object) : object)),
    breaks: ['responses.tool.shape', 'responses.stream.call'],
  },
  {
    name: 'response.completed has no output',
    path: RESPONSES,
    events: inEvents((object) => ('output' in object ? { ...object, output: [] } : object)),
    breaks: ['responses.stream.output'],
  },
  {
    name: 'thoughts are summaries only',
    path: RESPONSES,
    body: inBody((object) => (object.type === 'reasoning' ? { ...object, content: [] } : object)),
    breaks: ['responses.reasoning'],
  },
  {
    name: 'no summary where one is asked for',
    path: RESPONSES,
    when: (body) => body.stream === true,
    request: without('reasoning'),
    breaks: ['responses.stream.summary'],
  },
  {
    name: 'usage without its details',
    path: RESPONSES,
    body: inBody((object) => without('input_tokens_details')(without('output_tokens_details')(object))),
    breaks: ['responses.usage'],
  },
  {
    name: 'tools of unknown types are refused',
    path: RESPONSES,
    when: (body) => JSON.stringify(body.tools ?? []).includes('namespace'),
    status: () => 400,
    breaks: ['responses.tool.foreign'],
  },
  {
    name: 'empty input is refused',
    path: RESPONSES,
    when: (body) => body.input === '',
    status: () => 400,
    breaks: ['responses.warm-up'],
  },
  {
    name: 'previous_response_id is ignored',
    path: RESPONSES,
    request: without('previous_response_id'),
    breaks: ['responses.previous'],
  },
  {
    name: 'text.format is not echoed',
    path: RESPONSES,
    body: (body) => ({ ...body, text: undefined }),
    breaks: ['responses.json-schema'],
  },
  {
    name: 'cut responses are completed',
    path: RESPONSES,
    body: (body) => (body.status === 'incomplete' ? { ...body, status: 'completed', incomplete_details: null } : body),
    breaks: ['responses.limit'],
  },
  {
    name: 'context overflow has a code of its own',
    path: RESPONSES,
    body: inBody((object) => (object.code === 'context_length_exceeded' ? { ...object, code: 'too_long' } : object)),
    breaks: ['responses.error.context'],
  },
];

const OLLAMA = '/api/';

export const ollamaFaults: readonly KnownFault[] = [
  {
    name: 'errors are objects',
    path: OLLAMA,
    body: (body) => ('error' in body ? { error: { message: body.error } } : body),
    breaks: ['ollama.error.json', 'ollama.error.type', 'ollama.error.model', 'ollama.error.show'],
  },
  {
    name: 'an old version',
    path: '/api/version',
    body: () => ({ version: '0.11.0' }),
    breaks: ['ollama.version'],
  },
  {
    name: 'arguments are a text',
    path: OLLAMA,
    body: inBody((object) =>
      'arguments' in object ? { ...object, arguments: JSON.stringify(object.arguments) } : object,
    ),
    breaks: ['ollama.tool.shape'],
  },
  {
    name: 'streams have no last line',
    path: OLLAMA,
    lines: (lines) => lines.slice(0, -1),
    breaks: ['ollama.chat.stream', 'ollama.generate.stream', 'ollama.concurrent'],
  },
  {
    name: 'thoughts in the answer',
    path: OLLAMA,
    body: inBody((object) =>
      typeof object.thinking === 'string' ? { ...object, content: `${object.thinking} ${object.content}` } : object,
    ),
    breaks: ['ollama.chat.thinking', 'ollama.chat.format', 'ollama.chat.json'],
  },
  {
    name: 'nothing is counted',
    path: OLLAMA,
    body: inBody(without('eval_count')),
    breaks: ['ollama.chat.counts', 'ollama.chat.limit', 'ollama.generate.answers'],
  },
  {
    name: 'one reply where a stream is due',
    path: OLLAMA,
    request: (body) => ({ stream: false, ...body }),
    breaks: ['ollama.chat.default-stream'],
  },
  {
    name: 'somebody else is running',
    path: '/',
    when: (body) => Object.keys(body).length === 0,
    text: (text) => text.replace('Ollama is running', 'Hello'),
    breaks: ['ollama.root'],
  },
];

const MESSAGES = '/v1/messages';

export const anthropicFaults: readonly KnownFault[] = [
  {
    name: 'events have no names',
    path: MESSAGES,
    events: (events) => events.map(({ data }) => ({ event: undefined, data })),
    breaks: ['anthropic.stream.answers'],
  },
  {
    name: 'no message_stop',
    path: MESSAGES,
    events: drop((type) => type === 'message_stop'),
    breaks: ['anthropic.stream.stop'],
  },
  {
    name: 'no message_delta',
    path: MESSAGES,
    events: drop((type) => type === 'message_delta'),
    breaks: ['anthropic.stream.delta', 'anthropic.stream.tool'],
  },
  {
    name: 'all blocks have the index 0',
    path: MESSAGES,
    events: inEvents((object) => ('index' in object ? { ...object, index: 0 } : object)),
    breaks: ['anthropic.stream.blocks'],
  },
  {
    name: 'blocks are not stopped',
    path: MESSAGES,
    events: drop((type) => type === 'content_block_stop'),
    breaks: ['anthropic.stream.blocks'],
  },
  {
    name: 'thoughts are not signed',
    path: MESSAGES,
    events: drop((_, data) => pick(data, 'delta.type') === 'signature_delta'),
    body: inBody(without('signature')),
    breaks: ['anthropic.thinking', 'anthropic.stream.thinking'],
  },
  {
    name: 'thoughts come unasked',
    path: MESSAGES,
    request: (body) => ({ thinking: { type: 'adaptive' }, ...body }),
    breaks: ['anthropic.text-first'],
  },
  {
    name: 'thread is ignored',
    path: MESSAGES,
    request: without('thread'),
    breaks: ['anthropic.thread'],
  },
  {
    name: "errors are OpenAI's",
    path: MESSAGES,
    body: (body) => (body.type === 'error' ? { error: body.error } : body),
    breaks: ['anthropic.error.json', 'anthropic.error.type', 'anthropic.error.stream', 'anthropic.error.model'],
  },
  {
    name: 'too long a prompt is said in other words',
    path: MESSAGES,
    body: inBody((object) =>
      String(object.message).startsWith('prompt is') ? { ...object, message: 'too much' } : object,
    ),
    breaks: ['anthropic.error.context'],
  },
  {
    name: 'input is a text',
    path: MESSAGES,
    body: inBody((object) =>
      object.type === 'tool_use' ? { ...object, input: JSON.stringify(object.input) } : object,
    ),
    breaks: ['anthropic.tool.shape', 'anthropic.tool.loop'],
  },
  {
    name: 'stop sequences are not named',
    path: MESSAGES,
    body: (body) =>
      body.stop_reason === 'stop_sequence' ? { ...body, stop_reason: 'end_turn', stop_sequence: null } : body,
    breaks: ['anthropic.stop'],
  },
  {
    name: 'no request-id',
    path: MESSAGES,
    withoutHeader: 'request-id',
    breaks: ['anthropic.request-id'],
  },
];
