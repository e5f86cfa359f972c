import { pick } from '../../../src/conform/check.ts';
import { inBody, type Json, type KnownFault, without } from './change.ts';

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
  {
    name: 'models have no names',
    path: '/api/tags',
    body: inBody(without('name')),
    breaks: ['ollama.tags'],
  },
  {
    name: 'nobody knows what is running',
    path: '/api/ps',
    status: () => 404,
    breaks: ['ollama.ps'],
  },
  {
    name: 'models do not say what they can do',
    path: '/api/show',
    body: inBody(without('capabilities')),
    breaks: ['ollama.show'],
  },
  {
    name: 'no content',
    path: '/api/chat',
    when: (body) => body.stream === false && body.format === undefined && body.tools === undefined,
    body: inBody((object) => ('role' in object ? { ...object, content: '' } : object)),
    breaks: ['ollama.chat.answers'],
  },
  {
    name: 'no done_reason',
    path: '/api/chat',
    body: inBody(without('done_reason')),
    breaks: ['ollama.chat.envelope', 'ollama.chat.limit', 'ollama.chat.load'],
  },
  {
    name: 'think has to be true or false',
    path: '/api/chat',
    when: (body) => typeof body.think === 'string',
    status: () => 400,
    breaks: ['ollama.chat.think-levels'],
  },
  {
    name: 'stop is ignored',
    path: '/api/chat',
    request: (body) => ({ ...body, options: without('stop')((body.options ?? {}) as Json) }),
    breaks: ['ollama.chat.stop'],
  },
  {
    name: 'keep_alive has to be a text',
    path: '/api/chat',
    when: (body) => typeof body.keep_alive === 'number',
    status: () => 400,
    breaks: ['ollama.chat.keep-alive'],
  },
  {
    name: 'streams have no calls',
    path: '/api/chat',
    lines: (lines) => lines.filter((line) => pick(line, 'message.tool_calls') === undefined),
    breaks: ['ollama.tool.stream'],
  },
  {
    name: 'results of calls are refused',
    path: '/api/chat',
    when: (body) => pick(body, 'messages.2.role') === 'tool',
    status: () => 500,
    breaks: ['ollama.tool.loop'],
  },
  {
    name: 'markup in the answer',
    path: OLLAMA,
    body: inBody((object) =>
      typeof object.response === 'string' ? { ...object, response: `<think>${object.response}` } : object,
    ),
    breaks: ['ollama.markup'],
  },
];
