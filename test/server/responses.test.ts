import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkStream, parseEvents, type WireEvent } from '../support/response-stream.ts';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
before(async () => {
  server = await testServer();
});
after(async () => {
  assert.equal(server.host.leases, 0, 'every lease is released');
  await server.close();
  await closeNano();
});

async function post(body: object, path = '/v1/responses'): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return await fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function create(body: object): Promise<Record<string, unknown>> {
  const response = await post(body);
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Record<string, unknown>;
}

async function stream(body: object): Promise<{ events: WireEvent[]; response: Record<string, unknown> }> {
  const response = await post({ ...body, stream: true });
  assert.equal(response.status, 200, await response.clone().text());
  const events = parseEvents(await response.text());
  return { events, response: checkStream(events) };
}

const base = { temperature: 0, seed: 1 };
const weather = {
  type: 'function',
  name: 'get_weather',
  description: 'Gets the weather.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', description: 'The city' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
};
const question = "What's the weather in Oslo?";

interface Item {
  id: string;
  type: string;
  status: string;
  call_id?: string;
  content?: { type: string; text: string }[];
  summary?: { type: string; text: string }[];
}

const output = (response: Record<string, unknown>) => response.output as (Item & Record<string, unknown>)[];
const types = (response: Record<string, unknown>) => output(response).map(({ type }) => type);
const usage = (response: Record<string, unknown>) =>
  response.usage as { input_tokens: number; output_tokens: number; input_tokens_details: { cached_tokens: number } };

test('answers a question, with thoughts and an answer as items of a whole response', async () => {
  const response = await create({ ...base, input: 'What can you do?', metadata: { who: 'test' }, user: 'u' });
  assert.equal(response.status, 'completed');
  assert.deepEqual(types(response), ['reasoning', 'message']);
  assert.match(String(response.id), /^resp_/);
  const [reasoning, message] = output(response);
  assert.equal(reasoning?.content?.[0]?.type, 'reasoning_text');
  assert.deepEqual(reasoning?.summary, []);
  assert.deepEqual(Object.keys(message?.content?.[0] ?? {}), ['type', 'text', 'annotations', 'logprobs']);
  assert.deepEqual(response.metadata, { who: 'test' });
  assert.equal(response.user, 'u');
  const { input_tokens, output_tokens, total_tokens } = response.usage as Record<string, number>;
  assert.equal(total_tokens, Number(input_tokens) + Number(output_tokens));
});

test('streams the same response, every event in its place', async () => {
  const body = { ...base, input: 'What can you do?' };
  const whole = await create(body);
  const { response } = await stream(body);
  const texts = (r: Record<string, unknown>) => output(r).map(({ content }) => content);
  assert.deepEqual(texts(response), texts(whole));
});

test('a tool loop over previous_response_id prefills only what is new', async () => {
  const first = await stream({ ...base, input: question, tools: [weather] });
  assert.deepEqual(types(first.response), ['reasoning', 'function_call']);
  const call = output(first.response)[1]!;
  assert.deepEqual(JSON.parse(call.arguments as string), { city: 'Oslo' });
  const second = await create({
    ...base,
    previous_response_id: first.response.id,
    input: [{ type: 'function_call_output', call_id: call.call_id, output: 'Sunny, 21 °C' }],
    tools: [weather],
  });
  assert.equal(second.status, 'completed');
  assert.equal(second.previous_response_id, first.response.id);
  assert.match(output(second).at(-1)?.content?.[0]?.text ?? '', /21/);
  const { input_tokens, output_tokens } = usage(first.response);
  // The last tokens of a turn were sampled, or forced, and never computed.
  const { cached_tokens } = usage(second).input_tokens_details;
  assert.ok(cached_tokens >= input_tokens + output_tokens - 4, `${cached_tokens} cached`);
});

test('a client that keeps the conversation itself sends items back', async () => {
  const first = await create({ ...base, input: question, tools: [weather], store: false });
  const call = output(first).at(-1)!;
  const second = await create({
    ...base,
    store: false,
    tools: [weather],
    input: [
      { role: 'user', content: question },
      ...output(first),
      { type: 'function_call_output', call_id: call.call_id, output: [{ type: 'input_text', text: 'Sunny, 21 °C' }] },
    ],
  });
  assert.match(output(second).at(-1)?.content?.[0]?.text ?? '', /21/);
});
