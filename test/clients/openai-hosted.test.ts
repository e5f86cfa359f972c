import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { fakeBrowser, fakeMcp, fakePython, page } from '../support/fake-tools.ts';
import { type TestServer, testServer } from '../support/server.ts';

const think = '<|channel|>analysis<|message|>Let me look.<|end|><|start|>assistant';
const search = '<|channel|>analysis to=browser.search code<|message|>{"query":"oslo"}<|call|>';
const open = '<|channel|>analysis to=browser.open code<|message|>{"id":0}<|call|>';
const python = '<|channel|>analysis to=python code<|message|>print(6*7)<|call|>';
const read = '<|channel|>commentary to=functions.read <|constrain|>json<|message|>{}<|call|>';
const say = (text: string) => `<|channel|>final<|message|>${text}<|return|>`;

let server: TestServer;
let client: OpenAI;
before(async () => {
  const tokenizer = o200kHarmony();
  const models = {
    searches: scriptedModel(tokenizer, [think + search, open, say('700,000 people【1†L1】live there.')]),
    computes: scriptedModel(tokenizer, [think + python, say('42.')]),
    reads: scriptedModel(tokenizer, [read, say('Read.')]),
  };
  const tools = [fakeBrowser(), fakePython({ 'print(6*7)': '42\n' }), fakeMcp('files', [{ name: 'read' }])];
  server = await testServer({ models, context: { tools } });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
after(() => server.close());

type Type = ResponseStreamEvent['type'];

/** The types of the events in their order, deltas of one kind as one. */
async function typesOf(
  stream: AsyncIterable<ResponseStreamEvent>,
): Promise<{ types: Type[]; events: ResponseStreamEvent[] }> {
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  const types = events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
  return { types, events };
}

const thought: Type[] = [
  'response.output_item.added',
  'response.content_part.added',
  'response.reasoning_text.delta',
  'response.reasoning_text.done',
  'response.content_part.done',
  'response.output_item.done',
];
const searched: Type[] = [
  'response.output_item.added',
  'response.web_search_call.in_progress',
  'response.web_search_call.searching',
  'response.web_search_call.completed',
  'response.output_item.done',
];

test('openai: streams searches, with every event in its place and in its shape', async () => {
  const stream = await client.responses.create({
    model: 'searches',
    input: 'How many people live in Oslo?',
    tools: [{ type: 'web_search' }],
    include: ['web_search_call.action.sources'],
    stream: true,
  });
  const { types, events } = await typesOf(stream);
  assert.deepEqual(types, [
    'response.created',
    'response.in_progress',
    ...thought,
    ...searched,
    ...searched,
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.annotation.added',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ]);
  events.forEach(({ sequence_number }, i) => {
    assert.equal(sequence_number, i);
  });
  const calls = events.flatMap((event) =>
    event.type === 'response.output_item.done' && event.item.type === 'web_search_call' ? [event.item] : [],
  );
  const [first, second] = calls.map(({ action }) => action);
  assert.ok(first?.type === 'search' && first.query === 'oslo');
  assert.deepEqual(first.sources, [{ type: 'url', url: page.url }]);
  assert.ok(second?.type === 'open_page' && second.url === page.url);
  for (const event of events) {
    if (!event.type.startsWith('response.web_search_call.')) continue;
    assert.ok('item_id' in event && calls.some(({ id }) => id === event.item_id));
    assert.ok('output_index' in event && (event.output_index === 1 || event.output_index === 2));
  }
  const added = events.find((event) => event.type === 'response.output_text.annotation.added');
  assert.ok(added?.type === 'response.output_text.annotation.added');
  assert.deepEqual(added.annotation, { type: 'url_citation', ...page, start_index: 14, end_index: 20 });
  const last = events.at(-1);
  assert.ok(last?.type === 'response.completed');
  const message = last.response.output.at(-1);
  assert.ok(message?.type === 'message' && message.content[0]?.type === 'output_text');
  assert.deepEqual(message.content[0].annotations, [added.annotation]);
});

test('openai: streams programs, with every event in its place and in its shape', async () => {
  const stream = await client.responses.create({
    model: 'computes',
    input: 'What is 6 times 7?',
    tools: [{ type: 'code_interpreter', container: { type: 'auto' } }],
    include: ['code_interpreter_call.outputs'],
    stream: true,
  });
  const { types, events } = await typesOf(stream);
  assert.deepEqual(types, [
    'response.created',
    'response.in_progress',
    ...thought,
    'response.output_item.added',
    'response.code_interpreter_call.in_progress',
    'response.code_interpreter_call_code.delta',
    'response.code_interpreter_call_code.done',
    'response.code_interpreter_call.interpreting',
    'response.code_interpreter_call.completed',
    'response.output_item.done',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ]);
  const code = events
    .map((event) => (event.type === 'response.code_interpreter_call_code.delta' ? event.delta : ''))
    .join('');
  assert.equal(code, 'print(6*7)');
  const done = events.flatMap((event) =>
    event.type === 'response.output_item.done' && event.item.type === 'code_interpreter_call' ? [event.item] : [],
  );
  assert.equal(done.length, 1);
  assert.equal(done[0]!.status, 'completed');
  assert.equal(done[0]!.code, code);
  assert.deepEqual(done[0]!.outputs?.[0], { type: 'logs', logs: '42\n' });
  const last = events.at(-1);
  assert.ok(last?.type === 'response.completed');
  assert.equal(last.response.output_text ?? '', '', 'only whole responses have it');
});

test('openai: asks for approval of a call, and goes on with the answer', async () => {
  const tools = [{ type: 'mcp' as const, server_label: 'files' }];
  const first = await client.responses.create({ model: 'reads', input: 'Read it.', tools });
  assert.deepEqual(
    first.output.map(({ type }) => type),
    ['mcp_list_tools', 'mcp_approval_request'],
  );
  const [, request] = first.output;
  assert.ok(request?.type === 'mcp_approval_request');
  const second = await client.responses.create({
    model: 'reads',
    previous_response_id: first.id,
    input: [{ type: 'mcp_approval_response', approval_request_id: request.id, approve: true }],
    tools,
  });
  const [call] = second.output;
  assert.ok(call?.type === 'mcp_call');
  assert.deepEqual([call.output, call.approval_request_id], ['files read {}', request.id]);
  assert.equal(second.output_text, 'Read.');
});
