import { pick } from '../../../src/conform/check.ts';
import { drop, hasThoughts, inBody, inEvents, isCallPiece, type Json, type KnownFault, without } from './change.ts';

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
  {
    name: 'no content',
    path: CHAT,
    when: (body) => body.stream !== true && body.tools === undefined && body.response_format === undefined,
    body: inBody((object) => ('role' in object ? { ...object, content: null } : object)),
    breaks: ['chat.answers'],
  },
  {
    name: 'no content in streams',
    path: CHAT,
    events: inEvents(without('content')),
    breaks: ['chat.stream.answers'],
  },
  {
    name: 'every turn ends with eos',
    path: CHAT,
    body: inBody((object) => ('finish_reason' in object ? { ...object, finish_reason: 'eos' } : object)),
    breaks: ['chat.finish', 'chat.max-tokens', 'chat.max-completion-tokens', 'chat.stop', 'chat.tool.required'],
  },
  {
    name: 'nothing is counted',
    path: CHAT,
    body: inBody(without('usage')),
    breaks: ['chat.usage'],
  },
  {
    name: 'thoughts only as reasoning',
    path: CHAT,
    events: inEvents(without('reasoning_content')),
    body: inBody(without('reasoning_content')),
    breaks: ['chat.reasoning-content', 'chat.stream.reasoning-content'],
  },
  {
    name: 'content has to be a text',
    path: CHAT,
    when: (body) => Array.isArray(pick(body, 'messages.0.content')) || Array.isArray(pick(body, 'messages.2.content')),
    status: () => 400,
    breaks: ['chat.parts', 'chat.tool.no-content'],
  },
  {
    name: 'developer messages are refused',
    path: CHAT,
    when: (body) => pick(body, 'messages.0.role') === 'developer',
    status: () => 400,
    breaks: ['chat.developer'],
  },
  {
    name: 'choices have no index',
    path: CHAT,
    events: inEvents((object) => ('delta' in object ? without('index')(object) : object)),
    breaks: ['chat.stream.choices'],
  },
  {
    name: 'arguments are an object',
    path: CHAT,
    body: inBody((object) =>
      typeof object.arguments === 'string' ? { ...object, arguments: JSON.parse(object.arguments) } : object,
    ),
    breaks: ['chat.tool.shape', 'chat.tool.named'],
  },
  {
    name: 'arguments come twice in streams',
    path: CHAT,
    events: (events) =>
      events.flatMap((event) => (pick(event.data, 'choices.0.delta.tool_calls') ? [event, event] : [event])),
    breaks: ['chat.stream.tool-arguments'],
  },
  {
    name: 'tool_choice none is ignored',
    path: CHAT,
    request: (body) => (body.tool_choice === 'none' ? { ...body, tool_choice: 'required' } : body),
    breaks: ['chat.tool.none'],
  },
  {
    name: 'results of calls are refused',
    path: CHAT,
    when: (body) => pick(body, 'messages.2.role') === 'tool',
    status: () => 500,
    breaks: ['chat.tool.loop', 'chat.tool.no-content'],
  },
  {
    name: 'no models',
    path: '/v1/models',
    body: () => ({ object: 'list', data: [] }),
    breaks: ['chat.models'],
  },
];
