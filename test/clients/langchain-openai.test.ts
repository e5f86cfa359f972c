import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AIMessageChunk, HumanMessage, type ToolMessage, type UsageMetadata } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAI } from '@langchain/openai';
import { z } from 'zod';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

const model = 'ossia-nano';
let server: TestServer;
before(async () => {
  server = await testServer();
});
after(async () => {
  await server?.close();
  await closeNano();
});

const APIS = ['Chat Completions', 'Responses'] as const;
const connection = () => ({
  model,
  apiKey: 'unused',
  temperature: 0,
  maxRetries: 0,
  configuration: { baseURL: `${server.url}/v1` },
});
const chat = (api: (typeof APIS)[number] = 'Chat Completions') =>
  new ChatOpenAI({ ...connection(), useResponsesApi: api === 'Responses' });

/** LangChain's own types say `never` of it, for messages of any structure. */
function usageOf(message: object): UsageMetadata {
  assert.ok('usage_metadata' in message && message.usage_metadata);
  return message.usage_metadata as UsageMetadata;
}

const Mood = z.object({ mood: z.enum(['good', 'bad']), score: z.number().int() });

const weather = tool(async () => '{"temperature":21,"condition":"sunny"}', {
  name: 'get_weather',
  description: 'Gets the weather.',
  schema: z.object({ city: z.string().describe('The city') }),
});

test('invoke answers, with usage and thoughts', async () => {
  const message = await chat().invoke('What can you do?');
  assert.match(message.text, /gpt-oss/);
  assert.equal(message.response_metadata.finish_reason, 'stop');
  assert.ok(usageOf(message).input_tokens > 0 && usageOf(message).output_tokens > 0);
  assert.ok(usageOf(message).output_token_details!.reasoning! > 0);
  assert.notEqual(message.additional_kwargs.reasoning_content ?? '', '');
});

test('stream gives text, thoughts, and usage at its end', async () => {
  let whole: AIMessageChunk | undefined;
  let pieces = 0;
  for await (const chunk of await chat().stream('What can you do?')) {
    whole = whole ? whole.concat(chunk) : chunk;
    pieces++;
  }
  assert.ok(whole && pieces > 10);
  assert.match(whole.text, /gpt-oss/);
  assert.ok(usageOf(whole).total_tokens > 0);
  assert.equal(usageOf(whole).total_tokens, usageOf(whole).input_tokens + usageOf(whole).output_tokens);
  assert.match(String(whole.additional_kwargs.reasoning_content), /what I can do/);
});

for (const api of APIS) {
  test(`${api}: a loop of tools, whole and streamed, with calls that are told apart`, async () => {
    const bound = chat(api).bindTools([weather]);
    const ids = new Set<string>();
    for (const streamed of [false, true]) {
      const messages: (HumanMessage | AIMessageChunk | ToolMessage)[] = [
        new HumanMessage('What is the weather in Paris?'),
      ];
      const ask = async () => {
        if (!streamed) return (await bound.invoke(messages)) as AIMessageChunk;
        let whole: AIMessageChunk | undefined;
        for await (const chunk of await bound.stream(messages)) whole = whole ? whole.concat(chunk) : chunk;
        return whole!;
      };
      const first = await ask();
      const [call] = first.tool_calls ?? [];
      assert.deepEqual([call!.name, call!.args, first.tool_calls!.length], ['get_weather', { city: 'Paris' }, 1]);
      assert.deepEqual(first.invalid_tool_calls ?? [], []);
      ids.add(call!.id!);
      messages.push(first, (await weather.invoke({ ...call!, type: 'tool_call' })) as ToolMessage);
      const answer = await ask();
      assert.match(answer.text, /21/);
      assert.ok(usageOf(answer).input_token_details!.cache_read! > 100, 'the first prompt is not computed again');
    }
    assert.equal(ids.size, 2);
  });
}

test('a choice of tool is held', async () => {
  const none = await chat().bindTools([weather], { tool_choice: 'none' }).invoke('What is the weather in Paris?');
  assert.deepEqual(none.tool_calls, []);
  const named = await chat()
    .bindTools([weather], { tool_choice: 'get_weather' })
    .invoke('What is the weather in Paris?');
  assert.equal(named.tool_calls![0]!.name, 'get_weather');
});

for (const method of ['jsonSchema', 'functionCalling'] as const) {
  test(`withStructuredOutput by ${method} gives what the schema demands`, async () => {
    const structured = chat().withStructuredOutput(Mood, { method, name: 'mood', strict: true });
    const mood = await structured.invoke('How are you?');
    assert.deepEqual(Mood.parse(mood), mood);
    let last: unknown;
    for await (const partial of await structured.stream('How are you?')) last = partial;
    assert.deepEqual(Mood.parse(last), mood);
  });
}

test('logprobs reach the metadata', async () => {
  const message = await new ChatOpenAI({ ...connection(), logprobs: true, topLogprobs: 2 }).invoke('What can you do?');
  const { content } = message.response_metadata.logprobs as { content: { token: string }[] };
  assert.equal(content.map(({ token }) => token).join(''), message.text);
});

test('n answers by generate', async () => {
  const { generations } = await new ChatOpenAI({ ...connection(), n: 2, maxTokens: 20 }).generate([
    [new HumanMessage('What can you do?')],
  ]);
  assert.equal(generations[0]!.length, 2);
});

test('the completion model of old', async () => {
  const completion = new OpenAI({ ...connection(), maxTokens: 8 });
  const text = await completion.invoke('I can chat a');
  assert.match(text, /little/);
  let streamed = '';
  for await (const piece of await completion.stream('I can chat a')) streamed += piece;
  assert.equal(streamed, text);
});

test('errors have their status', async () => {
  const failing = chat().invoke('What can you do? '.repeat(1200));
  await assert.rejects(
    failing,
    (error: unknown) => error instanceof Error && 'status' in error && error.status === 400,
  );
});

test('Responses: invoke and stream give text and usage', async () => {
  const message = await chat('Responses').invoke('What can you do?');
  assert.match(message.text, /gpt-oss/);
  assert.ok(usageOf(message).output_tokens > 0);
  let whole: AIMessageChunk | undefined;
  for await (const chunk of await chat('Responses').stream('What can you do?'))
    whole = whole ? whole.concat(chunk) : chunk;
  assert.equal(whole!.text, message.text);
  assert.equal(usageOf(whole!).output_tokens, usageOf(message).output_tokens);
});

test('Responses: withStructuredOutput gives what the schema demands', async () => {
  const structured = chat('Responses').withStructuredOutput(Mood, { method: 'jsonSchema', name: 'mood', strict: true });
  const mood = await structured.invoke('How are you?');
  assert.deepEqual(Mood.parse(mood), mood);
});
