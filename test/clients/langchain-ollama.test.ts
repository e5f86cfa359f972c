import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  AIMessage,
  type AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOllama, Ollama } from '@langchain/ollama';
import { z } from 'zod';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

const model = 'ossia-nano';

const weather = tool(async ({ city }) => JSON.stringify({ city, temperature: 21, condition: 'sunny' }), {
  name: 'get_weather',
  description: 'Gets the weather.',
  schema: z.object({ city: z.string().describe('The city') }),
});

let server: TestServer;
before(async () => {
  server = await testServer();
});
after(async () => {
  await server?.close();
  await closeNano();
});

const chat = (fields: object = {}) =>
  new ChatOllama({ model, baseUrl: server.url, temperature: 0, maxRetries: 0, ...fields });

test('invoke answers, with its usage', async () => {
  const answer = await chat().invoke([new SystemMessage('Be brief.'), new HumanMessage('What can you do?')]);
  assert.match(String(answer.content), /^I can .*gpt-oss/);
  const { input_tokens: input, output_tokens: output, total_tokens: total } = answer.usage_metadata!;
  assert.ok(input > 50 && output > 20);
  assert.equal(total, input + output);
  assert.equal(answer.response_metadata.done_reason, 'stop');
});

test('stream gives pieces that make the same answer', async () => {
  const whole = await chat().invoke('What can you do?');
  let pieces: AIMessageChunk | undefined;
  let count = 0;
  for await (const piece of await chat().stream('What can you do?')) {
    pieces = pieces === undefined ? piece : pieces.concat(piece);
    count++;
  }
  assert.ok(count > 10);
  assert.equal(pieces?.content, whole.content);
  assert.deepEqual(pieces?.usage_metadata, whole.usage_metadata);
});

test('think brings the thoughts', async () => {
  const answer = await chat({ think: true }).invoke('What can you do?');
  assert.match(String(answer.additional_kwargs.reasoning_content), /what I can do/);
});

test('bindTools: a call, its result without id or name, and the answer made of it', async () => {
  for (const stream of [false, true]) {
    const bound = chat().bindTools([weather]);
    const messages: BaseMessage[] = [new HumanMessage('What is the weather in Paris?')];
    const asked = stream ? await collected(await bound.stream(messages)) : await bound.invoke(messages);
    assert.deepEqual(
      asked.tool_calls?.map(({ name, args }) => [name, args]),
      [['get_weather', { city: 'Paris' }]],
    );
    const [call] = asked.tool_calls ?? [];
    assert.ok(call);
    messages.push(new AIMessage({ content: asked.content, tool_calls: asked.tool_calls ?? [] }));
    messages.push(new ToolMessage({ content: await weather.invoke({ city: 'Paris' }), tool_call_id: call.id ?? '' }));
    const answer = await bound.invoke(messages);
    assert.match(String(answer.content), /Paris.*sunny|sunny.*Paris/);
  }
});

async function collected(stream: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> {
  let all: AIMessageChunk | undefined;
  for await (const piece of stream) all = all === undefined ? piece : all.concat(piece);
  assert.ok(all);
  return all;
}

test('withStructuredOutput gives what its schema says, by either method', async () => {
  const schema = z.object({ city: z.enum(['Paris', 'Rome']), warm: z.boolean() });
  const byFormat = await chat({ numPredict: 600 }).withStructuredOutput(schema).invoke('Which city?');
  assert.deepEqual(schema.parse(byFormat), byFormat);
  const city = z.object({ city: z.string() });
  const byCall = await chat()
    .withStructuredOutput(city, { method: 'functionCalling', name: 'get_weather' })
    .invoke('What is the weather in Paris?');
  assert.deepEqual(byCall, { city: 'Paris' });
});

test('checkOrPullModel finds the model here', async () => {
  const answer = await chat({ checkOrPullModel: true }).invoke('Hello');
  assert.match(String(answer.content), /Hello/);
});

test('a signal ends the turn, an unknown model is an error', async () => {
  const abort = new AbortController();
  const stream = await chat({ temperature: 1.5, numPredict: 3000 }).stream('Tell me a story.', {
    signal: abort.signal,
  });
  await assert.rejects(async () => {
    for await (const _piece of stream) abort.abort();
  });
  const deadline = Date.now() + 30_000;
  while (server.turns.size > 0 || server.host.leases > 0) {
    assert.ok(Date.now() < deadline);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await assert.rejects(chat({ model: 'nope' }).invoke('Hi'), /model "nope" not found/);
});

test('the completion model speaks through generate', async () => {
  // It puts thoughts into its text unless it is told not to have any.
  const answer = await new Ollama({ model, baseUrl: server.url, temperature: 0, think: false }).invoke(
    'What can you do?',
  );
  assert.match(answer, /^I can /);
});
