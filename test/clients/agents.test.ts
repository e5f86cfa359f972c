import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Agent, OpenAIResponsesModel, Runner, setTracingDisabled, tool } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
let client: OpenAI;
before(async () => {
  setTracingDisabled(true); // it would be posted to OpenAI
  server = await testServer();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
after(async () => {
  await server.close();
  await closeNano();
});

const cities: string[] = [];
const getWeather = tool({
  name: 'get_weather',
  description: 'Gets the weather.',
  parameters: z.object({ city: z.string().describe('The city') }),
  execute: async ({ city }) => {
    cities.push(city);
    return 'Sunny, 21 °C';
  },
});

function agent(settings: object = {}): Agent {
  return new Agent({
    name: 'Forecaster',
    instructions: '',
    model: new OpenAIResponsesModel(client as never, 'ossia-nano'),
    modelSettings: { temperature: 0, ...settings },
    tools: [getWeather],
  });
}

for (const stored of [true, false]) {
  const kept = stored ? 'the server keeps the conversation' : 'the agent keeps the conversation';

  test(`@openai/agents: a tool loop, where ${kept}`, async () => {
    cities.length = 0;
    const result = await new Runner().run(agent({ store: stored }), "What's the weather in Oslo?");
    assert.deepEqual(cities, ['Oslo']);
    assert.match(String(result.finalOutput), /21/);
    assert.equal(result.rawResponses.length, 2);
  });

  test(`@openai/agents: a streamed tool loop, where ${kept}`, async () => {
    cities.length = 0;
    const question = "What's the weather in Oslo?";
    const result = await new Runner().run(agent({ store: stored }), question, { stream: true });
    let text = '';
    for await (const chunk of result.toTextStream()) text += chunk;
    await result.completed;
    assert.deepEqual(cities, ['Oslo']);
    assert.match(text, /21/);
    assert.equal(result.finalOutput, text);
  });
}

test('@openai/agents: a second turn goes on from the id of the first', async () => {
  const runner = new Runner();
  const first = await runner.run(agent(), "What's the weather in Oslo?");
  const { lastResponseId } = first;
  assert.match(lastResponseId ?? '', /^resp_/);
  const second = await runner.run(agent(), 'Thank you', { previousResponseId: lastResponseId! });
  assert.equal(typeof second.finalOutput, 'string');
  const items = await client.responses.inputItems.list(second.lastResponseId!, { order: 'asc' });
  assert.ok(
    items.data.some((item) => item.type === 'function_call_output'),
    'it has the whole conversation before it',
  );
});

test('@openai/agents: thoughts are sent back as they were', async () => {
  const settings = { store: false, providerData: { include: ['reasoning.encrypted_content'] } };
  cities.length = 0;
  const result = await new Runner().run(agent(settings), "What's the weather in Oslo?");
  assert.match(String(result.finalOutput), /21/);
  const [first, second] = result.rawResponses;
  const { inputTokens, outputTokens } = first!.usage;
  const cached = JSON.stringify(second!.usage.inputTokensDetails).match(/"cached_tokens":(\d+)/)?.[1];
  assert.ok(Number(cached) >= inputTokens + outputTokens - 4, `${cached} of ${inputTokens} + ${outputTokens}`);
});
