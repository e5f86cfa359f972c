import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, type LanguageModel, Output, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

const name = 'ossia-nano';
let server: TestServer;
before(async () => {
  server = await testServer();
});
after(async () => {
  await server?.close();
  await closeNano();
});

/** The same API through both of Vercel's providers; only the second shows thoughts of Chat Completions. */
const providers: Record<string, () => LanguageModel> = {
  '@ai-sdk/openai': () => createOpenAI({ baseURL: `${server.url}/v1`, apiKey: 'unused' }).chat(name),
  '@ai-sdk/openai-compatible': () =>
    createOpenAICompatible({
      name: 'ossia',
      baseURL: `${server.url}/v1`,
      includeUsage: true,
      supportsStructuredOutputs: true,
    })(name),
};

const settings = { temperature: 0, maxRetries: 0 };
const prompt = 'What is the weather in Paris?';

function weather(cities: string[]) {
  return tool({
    description: 'Gets the weather.',
    inputSchema: z.object({ city: z.string().describe('The city') }),
    execute: async ({ city }) => {
      cities.push(city);
      return { temperature: 21, condition: 'sunny' };
    },
  });
}

for (const [provider, open] of Object.entries(providers)) {
  const showsThoughts = provider.endsWith('compatible');

  test(`${provider}: generateText`, async () => {
    const result = await generateText({ ...settings, model: open(), prompt: 'What can you do?' });
    assert.match(result.text, /gpt-oss/);
    assert.equal(result.finishReason, 'stop');
    assert.ok(result.usage.inputTokens! > 0 && result.usage.outputTokens! > 0);
    assert.ok(result.usage.outputTokenDetails.reasoningTokens! > 0);
    assert.equal((result.reasoningText ?? '') !== '', showsThoughts);
  });

  test(`${provider}: streamText`, async () => {
    const result = streamText({ ...settings, model: open(), prompt: 'What can you do?' });
    const seen = { text: '', thoughts: '' };
    for await (const part of result.fullStream) {
      if (part.type === 'text-delta') seen.text += part.text;
      if (part.type === 'reasoning-delta') seen.thoughts += part.text;
      if (part.type === 'error') throw part.error;
    }
    assert.match(seen.text, /gpt-oss/);
    assert.equal(seen.thoughts !== '', showsThoughts);
    assert.equal(await result.finishReason, 'stop');
    assert.ok((await result.usage).totalTokens! > 0);
  });

  test(`${provider}: a loop of tools, whole and streamed`, async () => {
    const cities: string[] = [];
    const request = {
      ...settings,
      model: open(),
      prompt,
      tools: { get_weather: weather(cities) },
      stopWhen: stepCountIs(4),
    };
    const whole = await generateText(request);
    assert.match(whole.text, /21/);
    assert.deepEqual(
      whole.steps.map(({ finishReason }) => finishReason),
      ['tool-calls', 'stop'],
    );
    // Its own call, arguments written anew, is known again: the prompt of the first step was not computed twice.
    assert.ok((whole.steps[1]!.usage.inputTokenDetails.cacheReadTokens ?? 0) > 100);
    const streamed = streamText(request);
    assert.match(await streamed.text, /21/);
    assert.deepEqual(cities, ['Paris', 'Paris']);
  });

  test(`${provider}: a choice of tool is held`, async () => {
    const request = { ...settings, model: open(), prompt, tools: { get_weather: weather([]) } };
    const none = await generateText({ ...request, toolChoice: 'none', maxOutputTokens: 60 });
    assert.deepEqual(none.toolCalls, []);
    const named = await generateText({ ...request, toolChoice: { type: 'tool', toolName: 'get_weather' } });
    assert.deepEqual(
      named.toolCalls.map(({ toolName }) => toolName),
      ['get_weather'],
    );
  });

  test(`${provider}: an object of a schema, whole and streamed`, async () => {
    const Mood = z.object({ mood: z.enum(['good', 'bad']), score: z.number().int() });
    const request = { ...settings, model: open(), prompt: 'How are you?', output: Output.object({ schema: Mood }) };
    const { output } = await generateText(request);
    assert.deepEqual(Mood.parse(output), output);
    const streamed = streamText(request);
    assert.deepEqual(Mood.parse(await streamed.output), output);
  });

  test(`${provider}: errors have their status and message`, async () => {
    const failing = generateText({ ...settings, model: open(), prompt: 'What can you do? '.repeat(1200) });
    await assert.rejects(failing, (error: unknown) => {
      assert.ok(APICallError.isInstance(error), String(error));
      assert.match(error.message, /\d{4} tokens/);
      return error.statusCode === 400 && !error.isRetryable;
    });
  });
}
