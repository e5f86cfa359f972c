import { pick } from '../../../src/conform/check.ts';
import { drop, inBody, inEvents, type KnownFault, without } from './change.ts';

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
  {
    name: 'no text',
    path: MESSAGES,
    body: (body) =>
      Array.isArray(body.content)
        ? { ...body, content: body.content.filter((block) => pick(block, 'type') !== 'text') }
        : body,
    breaks: ['anthropic.answers', 'anthropic.text-first', 'anthropic.format', 'anthropic.tool.loop'],
  },
  {
    name: 'every turn ends with end_turn',
    path: MESSAGES,
    body: (body) => ('stop_reason' in body ? { ...body, stop_reason: 'end_turn' } : body),
    breaks: ['anthropic.limit', 'anthropic.stop', 'anthropic.tool.any'],
  },
  {
    name: 'no role',
    path: MESSAGES,
    body: without('role'),
    breaks: ['anthropic.envelope'],
  },
  {
    name: 'nothing is counted',
    path: MESSAGES,
    events: inEvents(without('usage')),
    body: inBody(without('usage')),
    breaks: ['anthropic.usage', 'anthropic.count', 'anthropic.stream.start', 'anthropic.stream.delta'],
  },
  {
    name: 'count_tokens guesses',
    path: '/v1/messages/count_tokens',
    body: () => ({ input_tokens: 5 }),
    breaks: ['anthropic.count'],
  },
  {
    name: 'output_config is ignored',
    path: MESSAGES,
    request: without('output_config'),
    breaks: ['anthropic.format'],
  },
  {
    name: 'system has to be a text',
    path: MESSAGES,
    when: (body) => Array.isArray(body.system),
    status: () => 400,
    breaks: ['anthropic.system'],
  },
  {
    name: 'tool_choice is ignored',
    path: MESSAGES,
    request: (body) =>
      body.tool_choice ? { ...body, messages: [{ role: 'user', content: 'Hello!' }], tool_choice: undefined } : body,
    breaks: ['anthropic.tool.any', 'anthropic.tool.named'],
  },
  {
    name: 'tool_choice none is ignored',
    path: MESSAGES,
    request: (body) => (pick(body, 'tool_choice.type') === 'none' ? { ...body, tool_choice: { type: 'any' } } : body),
    breaks: ['anthropic.tool.none'],
  },
  {
    name: "Anthropic's own tools are refused",
    path: MESSAGES,
    when: (body) => JSON.stringify(body.tools ?? []).includes('web_search'),
    status: () => 400,
    breaks: ['anthropic.tool.foreign'],
  },
  {
    name: 'all messages have one id',
    path: MESSAGES,
    events: inEvents((object) => (object.type === 'message' ? { ...object, id: 'msg_1' } : object)),
    breaks: ['anthropic.concurrent'],
  },
  {
    name: 'markup in the answer',
    path: MESSAGES,
    body: inBody((object) => (object.type === 'text' ? { ...object, text: `${object.text}<|return|>` } : object)),
    breaks: ['anthropic.format', 'anthropic.markup'],
  },
];
