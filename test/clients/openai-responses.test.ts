import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import OpenAIBefore from 'openai-before';
import { z } from 'zod';
import { scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { closeNano, nano, type TestServer, testServer } from '../support/server.ts';

const words = Array.from({ length: 60 }, (_, i) => ` word${i}`).join('');
const longAnswer = `<|channel|>final<|message|>${words}<|return|>`;

let server: TestServer;
before(async () => {
  const slow = scriptedModel(o200kHarmony(), [longAnswer, longAnswer, longAnswer, longAnswer], {
    name: 'slow',
    msPerToken: 5,
  });
  server = await testServer({ models: { 'ossia-nano': await nano(), slow } });
});
after(async () => {
  await server.close();
  await closeNano();
});

const model = 'ossia-nano';
const temperature = 0;
const weather = {
  type: 'function' as const,
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

for (const [name, Client] of [
  ['openai', OpenAI],
  ['openai, the version before', OpenAIBefore as unknown as typeof OpenAI],
] as const) {
  const connect = () => new Client({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });

  test(`${name}: creates a response`, async () => {
    const response = await connect().responses.create({ model, temperature, input: 'What can you do?' });
    assert.equal(response.status, 'completed');
    assert.match(response.output_text, /gpt-oss/);
    assert.ok(response.usage && response.usage.total_tokens > 0);
  });

  test(`${name}: streams, and puts the response together`, async () => {
    const stream = connect().responses.stream({
      model,
      temperature,
      input: 'What can you do?',
      reasoning: { summary: 'auto' },
    });
    let text = '';
    let thoughts = '';
    stream.on('response.output_text.delta', ({ delta }) => {
      text += delta;
    });
    stream.on('event', (event) => {
      if (event.type === 'response.reasoning_text.delta') thoughts += event.delta;
    });
    const response = await stream.finalResponse();
    assert.equal(response.status, 'completed');
    assert.equal(response.output_text, text);
    const [reasoning] = response.output;
    assert.ok(reasoning?.type === 'reasoning');
    assert.equal(reasoning.content?.[0]?.text, thoughts);
    assert.equal(reasoning.summary[0]?.text, thoughts);
  });

  test(`${name}: calls a function and goes on from its result`, async () => {
    const client = connect();
    const asked = await client.responses
      .stream({ model, temperature, input: "What's the weather in Oslo?", tools: [weather] })
      .finalResponse();
    const call = asked.output.find((item) => item.type === 'function_call');
    assert.ok(call?.type === 'function_call');
    assert.deepEqual(JSON.parse(call.arguments), { city: 'Oslo' });
    const told = await client.responses.create({
      ...{ model, temperature, tools: [weather], previous_response_id: asked.id },
      input: [{ type: 'function_call_output', call_id: call.call_id, output: 'Sunny, 21 °C' }],
    });
    assert.match(told.output_text, /21/);
  });

  test(`${name}: parses an answer that was held to a schema`, async () => {
    const format = zodTextFormat(z.object({ city: z.string(), degrees: z.int() }), 'weather');
    const response = await connect().responses.parse({
      ...({ model, temperature, seed: 1 } as { model: string }),
      ...{ input: 'Hello', text: { format }, max_output_tokens: 400 },
    });
    assert.equal(response.status, 'completed');
    assert.equal(typeof response.output_parsed?.city, 'string');
    assert.equal(Number.isInteger(response.output_parsed?.degrees), true);
  });

  test(`${name}: retrieves, lists the input of, and deletes a response`, async () => {
    const client = connect();
    const created = await client.responses.create({ model, temperature, input: 'Hello', instructions: 'Be kind.' });
    const { output_text: _text, ...fields } = await client.responses.retrieve(created.id);
    assert.equal(fields.instructions, 'Be kind.');
    assert.deepEqual(fields.output, created.output);
    const next = await client.responses.create({
      model,
      temperature,
      input: 'Thanks',
      previous_response_id: created.id,
    });
    const types: string[] = [];
    for await (const { type } of client.responses.inputItems.list(next.id, { order: 'asc', limit: 1 }))
      types.push(type);
    assert.deepEqual(types, ['message', ...created.output.map(({ type }) => type), 'message']);
    await client.responses.delete(created.id);
    await assert.rejects(client.responses.retrieve(created.id), Client.NotFoundError);
    await assert.rejects(
      client.responses.create({ model, input: 'And?', previous_response_id: created.id }),
      (error) => error instanceof Client.BadRequestError && error.code === 'previous_response_not_found',
    );
  });

  test(`${name}: reads a background response from where it left off`, async () => {
    const client = connect();
    const stream = await client.responses.create({ model: 'slow', input: 'Go', background: true, stream: true });
    const seen: { type: string; sequence_number: number }[] = [];
    let id = '';
    for await (const event of stream) {
      seen.push(event);
      if (event.type === 'response.created') id = event.response.id;
      if (seen.length === 12) break; // this reader leaves; the response goes on
    }
    const rest = await client.responses.retrieve(id, { stream: true, starting_after: seen.at(-1)!.sequence_number });
    for await (const event of rest) seen.push(event);
    assert.deepEqual(
      seen.map((event) => event.sequence_number),
      [...seen.keys()],
    );
    assert.equal(seen.at(-1)?.type, 'response.completed');
    const again = await client.responses.retrieve(id, { stream: true });
    const replayed: unknown[] = [];
    for await (const event of again) replayed.push(event);
    assert.deepEqual(replayed, seen);
    const whole = await client.responses.retrieve(id);
    assert.equal(whole.output_text, words);
  });

  test(`${name}: cancels a background response`, async () => {
    const client = connect();
    const started = await client.responses.create({ model: 'slow', input: 'Go', background: true });
    assert.equal(started.status, 'queued');
    const cancelled = await client.responses.cancel(started.id);
    assert.equal(cancelled.status, 'cancelled');
    assert.equal((await client.responses.retrieve(started.id)).status, 'cancelled');
  });

  test(`${name}: counts tokens as a response then does`, async () => {
    const client = connect();
    const body = { model, instructions: 'Be brief.', input: 'What can you do?', tools: [weather] };
    const counted = await client.responses.inputTokens.count(body);
    const { usage } = await client.responses.create({ ...body, temperature });
    assert.equal(counted.input_tokens, usage?.input_tokens);
  });
}
