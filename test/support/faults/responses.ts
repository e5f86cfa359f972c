import { list, pick, text } from '../../../src/conform/check.ts';
import { deep, drop, inBody, inEvents, type Json, type KnownFault, without } from './change.ts';

/** The model's own words before its answer. */
const thoughtsOf = (body: Json) =>
  list(body, 'output')
    .map((item) => (text(item, 'content.0.type') === 'reasoning_text' ? text(item, 'content.0.text') : ''))
    .join('');

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
  {
    name: 'no message',
    path: RESPONSES,
    body: (body) => ({ ...body, output: list(body.output).filter((item) => pick(item, 'type') !== 'message') }),
    breaks: [
      'responses.answers',
      'responses.message',
      'responses.annotations',
      'responses.json-schema',
      'responses.tool.loop',
    ],
  },
  {
    name: 'no created_at',
    path: RESPONSES,
    body: inBody(without('created_at')),
    breaks: ['responses.envelope'],
  },
  {
    name: 'thoughts in the answer',
    path: RESPONSES,
    body: (body) =>
      deep(body, (object) =>
        object.type === 'output_text' ? { ...object, text: `${thoughtsOf(body)}${object.text}` } : object,
      ),
    breaks: ['responses.reasoning-apart', 'responses.json-schema'],
  },
  {
    name: 'markup in the answer',
    path: RESPONSES,
    body: inBody((object) => (object.type === 'output_text' ? { ...object, text: `${object.text}<|end|>` } : object)),
    breaks: ['responses.json-schema', 'responses.markup'],
  },
  {
    name: 'developer messages are refused',
    path: RESPONSES,
    when: (body) => pick(body, 'input.0.role') === 'developer',
    status: () => 400,
    breaks: ['responses.instructions'],
  },
  {
    name: 'unknown parameters are refused',
    path: RESPONSES,
    when: (body) => 'client_metadata' in body,
    status: () => 400,
    breaks: ['responses.codex'],
  },
  {
    name: 'stored responses cannot be had again',
    path: '/v1/responses/',
    status: () => 404,
    breaks: ['responses.stored'],
  },
  {
    name: 'no x-request-id',
    path: RESPONSES,
    withoutHeader: 'x-request-id',
    breaks: ['responses.request-id'],
  },
  {
    name: 'a stream is lines of JSON',
    path: RESPONSES,
    when: (body) => body.stream === true && body.tools === undefined && body.reasoning === undefined,
    text: (text) => text.replaceAll(/^(?:event: .*|data: )/gm, ''),
    breaks: [
      ...[
        'answers',
        'created',
        'completed',
        'no-early-done',
        'output',
        'names',
        'sequence',
        'item',
        'part',
        'item-done',
      ],
      ...['annotations', 'reasoning', 'reasoning-part'],
    ]
      .map((id) => `responses.stream.${id}`)
      .concat('responses.concurrent'),
  },
  {
    name: 'events have wrong names',
    path: RESPONSES,
    events: (events) => events.map(({ data }) => ({ event: 'message', data })),
    breaks: ['responses.stream.names'],
  },
  {
    name: 'thoughts have no content_index',
    path: RESPONSES,
    events: inEvents((object) =>
      object.type === 'response.reasoning_text.delta' ? without('content_index')(object) : object,
    ),
    breaks: ['responses.stream.reasoning'],
  },
  {
    name: 'tool_choice is ignored',
    path: RESPONSES,
    request: (body) => (body.tool_choice === undefined ? body : { ...body, input: 'Hello!', tool_choice: 'auto' }),
    breaks: ['responses.tool.required', 'responses.tool.named'],
  },
  {
    name: 'tool_choice none is ignored',
    path: RESPONSES,
    request: (body) => (body.tool_choice === 'none' ? { ...body, tool_choice: 'required' } : body),
    breaks: ['responses.tool.none'],
  },
  {
    name: 'results of calls are refused',
    path: RESPONSES,
    when: (body) => JSON.stringify(body.input ?? '').includes('function_call_output'),
    status: () => 500,
    breaks: ['responses.tool.loop', 'responses.tool.parts'],
  },
  {
    name: 'errors are 500 and texts',
    path: RESPONSES,
    status: (status) => (status === 200 ? 200 : 500),
    body: (body) => (pick(body, 'error.message') ? { error: 'oh no' } : body),
    breaks: [
      ...['json', 'type', 'shape', 'stream', 'model', 'context'].map((id) => `responses.error.${id}`),
      'responses.previous',
    ],
  },
  {
    name: 'no models',
    path: '/v1/models',
    body: () => ({ object: 'list', data: [] }),
    breaks: ['responses.models'],
  },
];
