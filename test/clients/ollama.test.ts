import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ChatResponse, type Message, Ollama } from 'ollama';
import { ollamaServer } from '../support/ollama-server.ts';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

const model = 'ossia-nano';
const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Gets the weather.',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string', description: 'The city' } },
        required: ['city'],
      },
    },
  },
];

let server: TestServer;
let client: Ollama;
before(async () => {
  server = await testServer();
  client = new Ollama({ host: server.url });
});
after(async () => {
  await server?.close();
  await closeNano();
});

const asking = (content: string) => ({ model, messages: [{ role: 'user', content }] });

test('chat answers, in one piece and in many', async () => {
  const options = { temperature: 0 };
  const whole = await client.chat({ ...asking('What can you do?'), options });
  assert.match(whole.message.content, /^I can .*gpt-oss/);
  assert.ok(whole.message.thinking && whole.eval_count > 0 && whole.done_reason === 'stop');
  const said = { content: '', thinking: '' };
  let last: ChatResponse | undefined;
  for await (const part of await client.chat({ ...asking('What can you do?'), options, stream: true })) {
    said.content += part.message.content;
    said.thinking += part.message.thinking ?? '';
    last = part;
  }
  assert.deepEqual(said, { content: whole.message.content, thinking: whole.message.thinking });
  assert.ok(last?.done && last.prompt_eval_count === whole.prompt_eval_count);
});

test('a loop of tools, streamed and not', async () => {
  for (const stream of [true, false]) {
    const messages: Message[] = [{ role: 'user', content: 'What is the weather in Paris?' }];
    const called: unknown[] = [];
    for (let turn = 0; turn < 3; turn++) {
      const message = await reply(messages, stream);
      messages.push(message);
      if (!message.tool_calls?.length) break;
      for (const { function: call } of message.tool_calls) {
        called.push([call.name, call.arguments]);
        messages.push({ role: 'tool', tool_name: call.name, content: '{"temperature":21,"condition":"sunny"}' });
      }
    }
    assert.deepEqual(called, [['get_weather', { city: 'Paris' }]]);
    assert.match(messages.at(-1)!.content, /Paris.*sunny|sunny.*Paris/);
  }
});

/** A turn as people write it: what comes in pieces is put together, ids are not kept. */
async function reply(messages: Message[], stream: boolean): Promise<Message> {
  const request = { model, messages, tools, options: { temperature: 0 } };
  if (!stream) return (await client.chat({ ...request, think: 'low' })).message;
  const message: Message = { role: 'assistant', content: '', thinking: '' };
  for await (const part of await client.chat({ ...request, think: true, stream: true })) {
    message.content += part.message.content;
    message.thinking += part.message.thinking ?? '';
    if (part.message.tool_calls) {
      message.tool_calls = part.message.tool_calls.map((call) => ({
        function: { name: call.function.name, arguments: call.function.arguments },
      }));
    }
  }
  return message;
}

test('abort ends a stream', async () => {
  const own = new Ollama({ host: server.url });
  const stream = await own.chat({
    ...asking('Tell me a story.'),
    stream: true,
    options: { temperature: 1.5, num_predict: 3000 },
  });
  await assert.rejects(
    async () => {
      for await (const _part of stream) own.abort();
    },
    { name: 'AbortError' },
  );
  const deadline = Date.now() + 30_000;
  while (server.turns.size > 0 || server.host.leases > 0) {
    assert.ok(Date.now() < deadline);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

test('format holds the answer to a schema', async () => {
  const format = {
    type: 'object',
    properties: { n: { type: 'integer' } },
    required: ['n'],
    additionalProperties: false,
  };
  const { message } = await client.chat({ ...asking('A number, please.'), format, options: { num_predict: 500 } });
  assert.ok(Number.isInteger(JSON.parse(message.content).n));
});

test('think and logprobs', async () => {
  const silent = await client.chat({ ...asking('What can you do?'), think: false });
  assert.equal(silent.message.thinking, undefined);
  const scored = await client.chat({ ...asking('What can you do?'), logprobs: true, top_logprobs: 3 });
  assert.equal(
    scored.logprobs?.map(({ token }) => token).join(''),
    (scored.message.thinking ?? '') + scored.message.content,
  );
  assert.equal(scored.logprobs?.[0]?.top_logprobs?.length, 3);
});

test('generate answers, streams, goes on with its context, and loads and unloads', async () => {
  const first = await client.generate({ model, prompt: 'Hello', system: 'Be kind.' });
  assert.match(first.response ?? '', /Hello/);
  let text = '';
  for await (const part of await client.generate({ model, prompt: 'Hello', context: first.context, stream: true }))
    text += part.response;
  assert.match(text, /Hello/);
  assert.equal((await client.generate({ model, prompt: '' })).done_reason, 'load');
  assert.equal((await client.generate({ model, prompt: '', keep_alive: 0 })).done_reason, 'unload');
});

test('errors say what is wrong', async () => {
  await assert.rejects(client.chat({ ...asking('Hi'), model: 'nope' }), {
    name: 'ResponseError',
    status_code: 404,
    message: 'model "nope" not found, try pulling it first',
  });
  await assert.rejects(client.chat({ ...asking('Hi'), stream: true, options: { num_ctx: 1e6 } }), {
    status_code: 400,
    message: /num_ctx/,
  });
  await assert.rejects(client.generate({ model, prompt: 'Hi', images: [new Uint8Array([1])] }), {
    status_code: 400,
    message: /images/,
  });
  await assert.rejects(client.embed({ model, input: 'Hi' }), { status_code: 501, message: /embeddings/ });
  await assert.rejects(client.push({ model }), { status_code: 501, message: /publishes/ });
});

test('models are listed, shown, pulled, made, copied and deleted', async (t) => {
  const { server: own } = await ollamaServer(t);
  const keeper = new Ollama({ host: own.url });
  assert.match((await keeper.version()).version, /^\d+\.\d+\.\d+$/);
  const seen: string[] = [];
  for await (const { status, total, completed } of await keeper.pull({ model: 'gpt-oss:20b', stream: true })) {
    seen.push(status);
    if (total !== undefined) assert.ok(completed <= total);
  }
  assert.deepEqual([seen[0], seen.at(-1)], ['pulling manifest', 'success']);
  assert.equal((await keeper.pull({ model: 'gpt-oss:20b' })).status, 'success');
  await assert.rejects(
    async () => {
      for await (const _ of await keeper.pull({ model: 'openai/not-there', stream: true }));
    },
    { message: /not-there/ },
  );
  assert.ok((await keeper.list()).models.some(({ name }) => name === 'gpt-oss:20b'));
  const shown = await keeper.show({ model: 'gpt-oss:20b' });
  assert.deepEqual([shown.details.family, shown.capabilities.includes('tools')], ['gptoss', true]);

  assert.equal((await keeper.create({ model: 'kind', from: 'gpt-oss:20b', system: 'Be kind.' })).status, 'success');
  await keeper.copy({ source: 'kind', destination: 'kinder' });
  const { message } = await keeper.chat({ ...asking('Hello'), model: 'kinder' });
  assert.match(message.content, /Hello/);
  assert.deepEqual(
    (await keeper.ps()).models.map(({ name }) => name),
    ['gpt-oss:20b'],
  );
  for (const name of ['kind', 'kinder', 'gpt-oss:20b']) await keeper.delete({ model: name });
  assert.deepEqual(
    (await keeper.list()).models.map(({ name }) => name),
    [model],
  );
  await assert.rejects(keeper.delete({ model: 'kind' }), { status_code: 404 });
});
