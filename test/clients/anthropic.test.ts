import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Anthropic, { APIUserAbortError, BadRequestError, NotFoundError } from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { scriptedModel } from '../../src/chat/testing.ts';
import { closeNano, nano, type TestServer, testServer } from '../support/server.ts';

const model = 'ossia-nano';
const weather: Anthropic.Tool = {
  name: 'get_weather',
  description: 'Gets the weather.',
  input_schema: {
    type: 'object',
    properties: { city: { type: 'string', description: 'The city' } },
    required: ['city'],
  },
};

let server: TestServer;
let client: Anthropic;
before(async () => {
  server = await testServer();
  client = new Anthropic({ baseURL: server.url, apiKey: 'unused', maxRetries: 0, timeout: 60_000 });
});
after(async () => {
  await server?.close();
  await closeNano();
});

const asking = (content: string) => ({ model, max_tokens: 300, messages: [{ role: 'user' as const, content }] });

test('create answers in text', async () => {
  const message = await client.messages.create({ ...asking('What can you do?'), system: 'Be brief.' });
  const [first] = message.content;
  assert.ok(first?.type === 'text' && first.text.length > 0);
  assert.equal(message.stop_reason, 'end_turn');
  assert.ok(message.usage.input_tokens + (message.usage.cache_read_input_tokens ?? 0) > 0);
  assert.ok(message._request_id?.startsWith('req_'));
});

test('stream gives text and thoughts as they come, and a final message', async () => {
  const seen = { text: '', thinking: '', signatures: 0 };
  const stream = client.messages
    .stream({ ...asking('What can you do?'), thinking: { type: 'adaptive' } })
    .on('text', (delta) => (seen.text += delta))
    .on('thinking', (delta) => (seen.thinking += delta))
    .on('signature', () => seen.signatures++);
  const message = await stream.finalMessage();
  const [thought, answer] = message.content;
  assert.ok(thought?.type === 'thinking' && thought.thinking === seen.thinking && seen.thinking !== '');
  assert.ok(answer?.type === 'text' && answer.text === seen.text && seen.text !== '');
  assert.equal(seen.signatures, 1);
  assert.equal(await stream.finalText(), seen.text);
  assert.ok(message.usage.output_tokens > (message.usage.output_tokens_details?.thinking_tokens ?? 0));
});

test('a loop of tools, streamed, with thoughts sent back', async () => {
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'What is the weather in Paris?' }];
  const inputs: unknown[] = [];
  let message: Anthropic.Message | undefined;
  for (let turns = 0; turns < 4; turns++) {
    const body = { ...asking(''), messages, tools: [weather], thinking: { type: 'adaptive' as const } };
    message = await client.messages.stream(body).finalMessage();
    messages.push({ role: 'assistant', content: message.content });
    const calls = message.content.filter((block) => block.type === 'tool_use');
    if (calls.length === 0) break;
    assert.equal(message.stop_reason, 'tool_use');
    inputs.push(...calls.map(({ input }) => input));
    messages.push({
      role: 'user',
      content: calls.map(({ id }) => ({
        type: 'tool_result' as const,
        tool_use_id: id,
        content: [{ type: 'text' as const, text: '{"temperature":21,"condition":"sunny"}' }],
      })),
    });
  }
  assert.deepEqual(inputs, [{ city: 'Paris' }]);
  const last = message?.content.at(-1);
  assert.ok(last?.type === 'text' && /sunny/.test(last.text), JSON.stringify(last));
});

test('the tool runner runs the loop by itself', async () => {
  const cities: string[] = [];
  const tool = betaTool({
    name: 'get_weather',
    description: 'Gets the weather.',
    inputSchema: {
      type: 'object',
      properties: { city: { type: 'string', description: 'The city' } },
      required: ['city'],
    },
    run: ({ city }) => {
      cities.push(city);
      return '{"temperature":21,"condition":"sunny"}';
    },
  });
  for (const stream of [false, true]) {
    const runner = client.beta.messages.toolRunner({
      ...asking('What is the weather in Paris?'),
      max_iterations: 4,
      tools: [tool],
      stream,
    });
    const message = await runner.runUntilDone();
    const text = message.content.find((block) => block.type === 'text')?.text ?? '';
    assert.match(text, /sunny/);
  }
  assert.deepEqual(cities, ['Paris', 'Paris']);
});

test('parse gives the answer as a value of its schema', async () => {
  const schema = {
    type: 'object',
    properties: { mood: { type: 'string', enum: ['good', 'bad'] } },
    required: ['mood'],
    additionalProperties: false,
  };
  const format = {
    type: 'json_schema' as const,
    schema,
    parse: (content: string) => JSON.parse(content) as { mood: string },
  };
  const message = await client.messages.parse({ ...asking('How are you?'), output_config: { format } });
  assert.ok(['good', 'bad'].includes(message.parsed_output?.mood ?? ''), JSON.stringify(message.content));
});

test('countTokens foretells what a message costs', async () => {
  const body = { ...asking('What can you do?'), tools: [weather] };
  const { max_tokens: _, ...prompt } = body;
  const { input_tokens: counted } = await client.messages.countTokens(prompt);
  const { usage } = await client.messages.create(body);
  assert.equal(usage.input_tokens + (usage.cache_read_input_tokens ?? 0), counted);
});

test('errors come as the classes that programs catch', async () => {
  await assert.rejects(client.messages.create({ ...asking('x'), model: 'nowhere' }), (error) => {
    assert.ok(error instanceof NotFoundError);
    assert.equal(error.type, 'not_found_error');
    assert.ok(error.requestID?.startsWith('req_'));
    return true;
  });
  await assert.rejects(client.messages.create({ ...asking('x'), max_tokens: 0 }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.match(error.message, /max_tokens/);
    return true;
  });
});

test('abort ends a stream and frees the model', async () => {
  const text = `<|channel|>final<|message|>${'word '.repeat(3000)}`;
  const to = await testServer({
    model: scriptedModel((await nano()).tokenizer, [text], { name: model, msPerToken: 5 }),
  });
  try {
    const slow = new Anthropic({ baseURL: to.url, apiKey: 'unused', maxRetries: 0 });
    const stream = slow.messages.stream({ ...asking('Tell me a story.'), max_tokens: 4000 });
    stream.on('text', () => stream.abort());
    await assert.rejects(stream.finalMessage(), APIUserAbortError);
    for (let i = 0; i < 500 && to.turns.size > 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual([to.host.leases, to.turns.size], [0, 0]);
  } finally {
    await to.close();
  }
});

test('models are listed, and found by name', async () => {
  const ids: string[] = [];
  for await (const { id, display_name } of client.models.list()) {
    assert.equal(display_name, id);
    ids.push(id);
  }
  assert.deepEqual(ids, [model]);
  const found = await client.models.retrieve(model);
  assert.deepEqual([found.type, found.max_input_tokens], ['model', 4096]);
  assert.ok(!Number.isNaN(Date.parse(found.created_at)));
});
