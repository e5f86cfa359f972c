import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Agent, OpenAIChatCompletionsModel, run, setTracingDisabled, tool } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

/** The Agents SDK over Chat Completions, as OpenAI's compatibility test drives providers of gpt-oss. */

let server: TestServer;
before(async () => {
  setTracingDisabled(true); // else it reports to OpenAI
  server = await testServer();
});
after(async () => {
  await server?.close();
  await closeNano();
});

function weatherAgent(cities: string[]) {
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'unused', maxRetries: 0 });
  const weather = tool({
    name: 'get_weather',
    description: 'Gets the weather.',
    parameters: z.object({ city: z.string().describe('The city') }),
    execute: async ({ city }) => {
      cities.push(city);
      return '{"temperature":21,"condition":"sunny"}';
    },
  });
  return new Agent({
    name: 'weather',
    tools: [weather],
    model: new OpenAIChatCompletionsModel(client, 'ossia-nano'),
    modelSettings: { temperature: 0 },
  });
}

const ITEMS = ['reasoning_item', 'tool_call_item', 'tool_call_output_item', 'message_output_item'];

test('a run thinks, calls, and answers', async () => {
  const cities: string[] = [];
  const result = await run(weatherAgent(cities), 'What is the weather in Paris?', { maxTurns: 10 });
  assert.deepEqual(cities, ['Paris']);
  assert.match(result.finalOutput ?? '', /21/);
  assert.deepEqual(
    result.newItems
      .map(({ type }) => type)
      .filter((type) => ITEMS.includes(type))
      .slice(0, 3),
    ITEMS.slice(0, 3),
  );
  const [thought] = result.newItems;
  const raw = thought?.type === 'reasoning_item' ? thought.rawItem.rawContent : undefined;
  assert.ok(raw?.length && raw.every(({ text }) => text !== ''));
  const usage = result.rawResponses[0]!.usage;
  assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
});

test('a streamed run shows thoughts as they come', async () => {
  const cities: string[] = [];
  const result = await run(weatherAgent(cities), 'What is the weather in Paris?', { stream: true, maxTurns: 10 });
  const thoughts: string[] = [];
  for await (const event of result) {
    if (event.type !== 'raw_model_stream_event' || event.data.type !== 'model') continue;
    const { choices } = event.data.event as { choices: { delta: { reasoning?: string } }[] };
    if (choices[0]?.delta.reasoning) thoughts.push(choices[0].delta.reasoning);
  }
  await result.completed;
  assert.deepEqual(cities, ['Paris']);
  assert.match(result.finalOutput ?? '', /21/);
  assert.ok(thoughts.length > 1);
});
