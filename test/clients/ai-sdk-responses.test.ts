import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { type AIMessageChunk, HumanMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import { z } from 'zod';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
before(async () => {
  server = await testServer();
});
after(async () => {
  await server.close();
  await closeNano();
});

const question = "What's the weather in Oslo?";
const inputSchema = z.object({ city: z.string().describe('The city') });
const provider = () => createOpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', fetch: sendGreedy });
const model = () => provider().responses('ossia-nano');

/** The SDK keeps the temperature of reasoning models to itself; a test wants the same answer every time. */
function sendGreedy(input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> {
  return fetch(input, {
    ...init,
    body: JSON.stringify({ ...JSON.parse(String(init?.body)), temperature: 0, seed: 1 }),
  });
}

for (const store of [true, false]) {
  const providerOptions = { openai: { store, reasoningSummary: 'auto', forceReasoning: true } };
  const kept = store ? 'the server keeps the conversation' : 'the client keeps the conversation';

  test(`AI SDK: streams thoughts, a call and an answer, where ${kept}`, async () => {
    const cities: string[] = [];
    const execute = async ({ city }: { city: string }) => {
      cities.push(city);
      return 'Sunny, 21 °C';
    };
    const tools = { get_weather: tool({ description: 'Gets the weather.', inputSchema, execute }) };
    const result = streamText({
      ...{ model: model(), prompt: question, tools, stopWhen: isStepCount(3), providerOptions },
      onError: ({ error }) => {
        throw error;
      },
    });
    const parts: string[] = [];
    for await (const part of result.fullStream) parts.push(part.type);
    assert.deepEqual(cities, ['Oslo']);
    assert.match(await result.text, /21/);
    assert.equal(await result.finishReason, 'stop');
    assert.ok(parts.includes('reasoning-delta'), 'thoughts are shown');
    assert.ok(!parts.includes('error'), parts.join(' '));
    const [first] = await result.steps;
    assert.equal(first?.finishReason, 'tool-calls');
    assert.match(first?.reasoningText ?? '', /\w/);
    assert.ok((await result.totalUsage).outputTokens! > 0);
  });
}

test('AI SDK: an object that was held to its schema', async () => {
  const output = Output.object({ schema: z.object({ city: z.string(), degrees: z.int() }) });
  const result = await generateText({ model: model(), prompt: 'Hello', output, maxOutputTokens: 400 });
  assert.equal(typeof result.output.city, 'string');
});

test('LangChain: streams a call and its usage over Responses', async () => {
  const getWeather = langchainTool(async () => 'Sunny', {
    name: 'get_weather',
    description: 'Gets the weather.',
    schema: inputSchema,
  });
  const chat = new ChatOpenAI({
    ...{ model: 'ossia-nano', apiKey: 'none', temperature: 0, useResponsesApi: true, maxRetries: 0 },
    configuration: { baseURL: `${server.url}/v1` },
  }).bindTools([getWeather]);
  const whole = await chat.invoke([new HumanMessage(question)]);
  assert.deepEqual(
    whole.tool_calls?.map(({ name, args }) => [name, args]),
    [['get_weather', { city: 'Oslo' }]],
  );
  const chunks: AIMessageChunk[] = [];
  for await (const chunk of await chat.stream([new HumanMessage(question)])) chunks.push(chunk);
  const streamed = chunks.reduce((all, chunk) => all.concat(chunk));
  assert.deepEqual(
    streamed.tool_calls?.map(({ args }) => args),
    [{ city: 'Oslo' }],
  );
  assert.ok(Number((streamed.usage_metadata as { output_tokens?: number } | undefined)?.output_tokens) > 0);
});
