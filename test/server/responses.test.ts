import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ResponsesClient, textOf, typesOf } from '../support/responses-client.ts';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
let client: ResponsesClient;
before(async () => {
  server = await testServer();
  client = new ResponsesClient(server);
});
after(async () => {
  assert.equal(server.host.leases, 0, 'every lease is released');
  await server.close();
  await closeNano();
});

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
/** OpenAI's fields of a response. */
const FIELDS = [
  ...[
    'id',
    'object',
    'created_at',
    'completed_at',
    'status',
    'background',
    'error',
    'incomplete_details',
    'instructions',
  ],
  ...['max_output_tokens', 'max_tool_calls', 'model', 'output', 'parallel_tool_calls', 'previous_response_id'],
  ...[
    'prompt_cache_key',
    'reasoning',
    'safety_identifier',
    'service_tier',
    'store',
    'temperature',
    'text',
    'tool_choice',
  ],
  ...['tools', 'top_logprobs', 'top_p', 'truncation', 'usage', 'user', 'metadata'],
];

test('answers with thoughts and an answer as items of a whole response', async () => {
  const response = await client.create({ ...base, input: 'What can you do?', metadata: { who: 'me' }, user: 'u' });
  assert.equal(response.status, 'completed');
  assert.deepEqual(Object.keys(response).sort(), [...FIELDS, 'ossia'].sort());
  assert.deepEqual(typesOf(response), ['reasoning', 'message']);
  const [reasoning, message] = response.output;
  assert.deepEqual(
    reasoning?.content.map(({ type }) => type),
    ['reasoning_text'],
  );
  assert.deepEqual(reasoning?.summary, []);
  assert.deepEqual(Object.keys(message?.content[0] ?? {}), ['type', 'text', 'annotations', 'logprobs']);
  assert.equal(message?.phase, 'final_answer');
  assert.deepEqual([response.metadata, response.user, response.model], [{ who: 'me' }, 'u', 'ossia-nano']);
  assert.equal(
    response.usage.input_tokens + response.usage.output_tokens,
    (response.usage as { total_tokens?: number }).total_tokens,
  );
  assert.deepEqual(await client.json(`/${response.id}`), response, 'it is stored as it was sent');
});

test('streams the same response, every event in its place', async () => {
  const body = { ...base, input: 'What can you do?' };
  const whole = await client.create(body);
  const { response, events } = await client.stream(body);
  assert.equal(textOf(response), textOf(whole));
  assert.equal((events[0]!.response as { status: string }).status, 'in_progress');
  assert.deepEqual(await client.json(`/${response.id}`), response);
});

test('the seed that a response names replays it', async () => {
  const body = { input: 'Hello', temperature: 1.5, max_output_tokens: 40 };
  const first = await client.create(body);
  const { seed } = first.ossia as { seed: number };
  const again = await client.create({ ...body, seed });
  const said = ({ output }: typeof first) => output.map(({ type, content }) => [type, content]);
  assert.deepEqual(said(again), said(first));
});

test('a tool loop over previous_response_id computes only what is new', async () => {
  const { response: first } = await client.stream({ ...base, input: question, tools: [weather] });
  assert.deepEqual(typesOf(first), ['reasoning', 'function_call']);
  const call = first.output[1]!;
  assert.deepEqual(JSON.parse(call.arguments as string), { city: 'Oslo' });
  const second = await client.create({
    ...base,
    previous_response_id: first.id,
    input: [{ type: 'function_call_output', call_id: call.call_id, output: 'Sunny, 21 °C' }],
    tools: [weather],
  });
  assert.match(textOf(second), /21/);
  assert.equal(second.previous_response_id, first.id);
  // The last tokens of a turn were sampled, or forced, and never computed.
  const { input_tokens, output_tokens } = first.usage;
  const { cached_tokens } = second.usage.input_tokens_details;
  assert.ok(cached_tokens >= input_tokens + output_tokens - 4, `${cached_tokens} cached`);
});

test('a client that keeps the conversation itself sends items back, without what it does not know', async () => {
  const first = await client.create({ ...base, input: question, tools: [weather], store: false });
  const call = first.output.at(-1)!;
  const said = { role: 'user', content: question };
  const result = {
    type: 'function_call_output',
    call_id: call.call_id,
    output: [{ type: 'input_text', text: 'Sunny, 21 °C' }],
  };
  const body = { ...base, store: false, tools: [weather] };
  const full = await client.create({ ...body, input: [said, ...first.output, result] });
  assert.match(textOf(full), /21/);
  const { id: _, status: _s, ...bare } = call;
  const forgetful = await client.create({ ...body, input: [said, bare, result] });
  assert.equal(
    forgetful.usage.input_tokens,
    full.usage.input_tokens,
    'its thoughts are remembered by the id of the call',
  );
});

test('a response that was not stored is not there', async () => {
  const { id } = await client.create({ ...base, input: 'Hello', store: false });
  assert.equal((await client.refused(`/${id}`)).status, 404);
  const { code, param, status } = await client.refused('', { input: 'And?', previous_response_id: id });
  assert.deepEqual(
    { code, param, status },
    {
      ...{ code: 'previous_response_not_found', param: 'previous_response_id', status: 400 },
    },
  );
});

test('instructions are not carried over, the conversation is', async () => {
  const first = await client.create({ ...base, input: 'Hello', instructions: 'Answer in a single word, always.' });
  const body = { previous_response_id: first.id, input: 'Thanks' };
  const second = await client.create({ ...base, ...body });
  assert.equal(second.instructions, null);
  const { input_tokens } = await client.json('/input_tokens', {
    ...body,
    instructions: 'Answer in a single word, always.',
  });
  assert.ok(Number(input_tokens) > second.usage.input_tokens);
});

test('a reference to a stored item stands for the item', async () => {
  const first = await client.create({ ...base, input: question, tools: [weather] });
  const references = first.output.map(({ id }) => ({ type: 'item_reference', id }));
  const result = { type: 'function_call_output', call_id: first.output[1]?.call_id, output: 'Sunny, 21 °C' };
  const body = { ...base, tools: [weather], store: false };
  const said = { role: 'user', content: question };
  const second = await client.create({ ...body, input: [said, ...references, result] });
  assert.match(textOf(second), /21/);
  const { message } = await client.refused('', { input: [{ type: 'item_reference', id: 'rs_nowhere' }] });
  assert.match(message, /rs_nowhere/);
});

test('encrypted thoughts come back to the token, and those of others count for nothing', async () => {
  const include = ['reasoning.encrypted_content'];
  const body = { ...base, tools: [weather], store: false, include };
  const first = await client.create({ ...body, input: question });
  const [thought, call] = first.output;
  const sealed = thought?.encrypted_content as string;
  assert.doesNotMatch(Buffer.from(sealed.split('.').at(-1) ?? '', 'base64url').toString('latin1'), /weather/i);
  const input = (item: object, callId = call?.call_id) => [
    { role: 'user', content: question },
    item,
    { ...call, call_id: callId },
    { type: 'function_call_output', call_id: callId, output: 'Sunny, 21 °C' },
  ];
  const count = async (items: object[]) =>
    (await client.json('/input_tokens', { tools: [weather], input: items })).input_tokens;
  const id = 'rs_of_mine';
  // Under another call id the memory of turns knows nothing: only what is sealed can tell.
  const opened = await count(input({ type: 'reasoning', id, summary: [], encrypted_content: sealed }, 'call_other'));
  const shown = await count(input({ ...thought, id, encrypted_content: undefined }, 'call_other'));
  const broken = await count(
    input({ ...thought, id, encrypted_content: `${sealed.slice(0, -6)}AAAAAA` }, 'call_other'),
  );
  const foreign = await count(
    input({ type: 'reasoning', id, summary: [], encrypted_content: 'gAAAAABo' }, 'call_other'),
  );
  assert.equal(opened, shown, 'the same thought, though nothing of it could be read');
  assert.equal(broken, shown);
  assert.ok(Number(foreign) < Number(shown));
});

test('logprobs go with the text, in deltas and in the whole', async () => {
  const body = { ...base, input: 'Hello', include: ['message.output_text.logprobs'], top_logprobs: 2 };
  const { events, response } = await client.stream(body);
  const part = response.output.at(-1)!.content[0]!;
  const bytes = part.logprobs.flatMap((logprob) => logprob.bytes);
  assert.equal(Buffer.from(bytes).toString(), part.text);
  assert.ok(
    part.logprobs.every(({ top_logprobs }) => top_logprobs.length <= 2),
    'control tokens are left out',
  );
  assert.ok(part.logprobs.some(({ top_logprobs }) => top_logprobs.length === 2));
  const deltas = events.filter(({ type }) => type === 'response.output_text.delta');
  assert.deepEqual(
    deltas.flatMap(({ logprobs }) => logprobs),
    part.logprobs,
  );
  const bare = await client.create({ ...base, input: 'Hello' });
  assert.deepEqual(bare.output.at(-1)?.content[0]?.logprobs, []);
});

test('an answer that was cut is incomplete, and says why', async () => {
  const { response } = await client.stream({ ...base, input: 'What can you do?', max_output_tokens: 25 });
  assert.deepEqual([response.status, response.incomplete_details], ['incomplete', { reason: 'max_output_tokens' }]);
  assert.equal(response.output.at(-1)?.status, 'incomplete');
  assert.equal(response.usage.output_tokens, 25);
});

test('a format is echoed as it was sent, and held', async () => {
  const schema = {
    type: 'object',
    properties: { n: { type: 'integer' } },
    required: ['n'],
    additionalProperties: false,
  };
  const format = { type: 'json_schema', name: 'number', schema, strict: true };
  const response = await client.create({ ...base, input: 'Hello', text: { format }, max_output_tokens: 300 });
  assert.deepEqual((response.text as { format: unknown }).format, format);
  assert.ok(Number.isInteger(JSON.parse(textOf(response)).n));
  const object = await client.create({
    ...base,
    input: 'Hello',
    text: { format: { type: 'json_object' } },
    max_output_tokens: 300,
  });
  assert.equal(typeof JSON.parse(textOf(object)), 'object');
});

test('effort none leaves the thoughts out', async () => {
  const response = await client.create({ ...base, input: 'What can you do?', reasoning: { effort: 'none' } });
  assert.deepEqual(typesOf(response), ['message']);
  assert.deepEqual(response.reasoning, { effort: 'none', summary: null });
});

test('counts the tokens of an input exactly', async () => {
  const body = { input: question, instructions: 'Be brief.', tools: [weather], reasoning: { effort: 'high' } };
  const { object, input_tokens } = await client.json('/input_tokens', body);
  const { usage } = await client.create({ ...body, ...base });
  assert.deepEqual([object, input_tokens], ['response.input_tokens', usage.input_tokens]);
});

test('pages through what the model saw', async () => {
  const first = await client.create({ ...base, input: 'Hello' });
  const second = await client.create({
    ...base,
    input: [{ role: 'user', content: 'Thanks' }],
    previous_response_id: first.id,
  });
  const page = async (query: string) =>
    (await client.json(`/${second.id}/input_items?${query}`)) as {
      data: { id: string; type: string }[];
      has_more: boolean;
      last_id: string;
    };
  const all = await page('order=asc');
  assert.deepEqual(
    all.data.map(({ type }) => type),
    ['message', ...typesOf(first), 'message'],
  );
  assert.equal(all.has_more, false);
  const newest = await page('limit=1');
  assert.deepEqual([newest.data[0], newest.has_more], [all.data.at(-1), true]);
  const next = await page(`limit=2&after=${newest.last_id}`);
  assert.deepEqual(next.data, all.data.slice(-3, -1).reverse());
  assert.equal((await client.refused(`/${second.id}/input_items?limit=0`)).param, 'limit');
  assert.equal((await client.refused(`/${second.id}/input_items?after=msg_x`)).param, 'after');
});

test('what is deleted is gone, and what went on from it says so', async () => {
  const first = await client.create({ ...base, input: 'Hello' });
  const second = await client.create({ ...base, input: 'Thanks', previous_response_id: first.id });
  assert.deepEqual(await client.json(`/${first.id}`, undefined, 'DELETE'), {
    id: first.id,
    object: 'response',
    deleted: true,
  });
  for (const [path, method] of [
    ['', 'GET'],
    ['', 'DELETE'],
    ['/input_items', 'GET'],
    ['/cancel', 'POST'],
  ] as const) {
    assert.equal((await client.refused(`/${first.id}${path}`, undefined, method)).status, 404, `${method} ${path}`);
  }
  assert.equal((await client.json(`/${second.id}`)).status, 'completed');
  const { code, message } = await client.refused('', { input: 'And?', previous_response_id: second.id });
  assert.deepEqual([code, message.includes(first.id)], ['previous_response_not_found', true]);
});
