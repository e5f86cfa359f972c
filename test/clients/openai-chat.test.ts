import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import OpenAIBefore from 'openai-before';
import {
  zodFunction as zodFunctionBefore,
  zodResponseFormat as zodResponseFormatBefore,
} from 'openai-before/helpers/zod';
import { z } from 'zod';
import { OssiaError } from '../../src/base/index.ts';
import { scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

const model = 'ossia-nano';
const hello = { model, temperature: 0, messages: [{ role: 'user' as const, content: 'What can you do?' }] };
const asked = [{ role: 'user' as const, content: 'What is the weather in Paris?' }];

const versions = [
  { version: 'openai 7', Client: OpenAI, zodFunction, zodResponseFormat },
  {
    version: 'openai 6',
    Client: OpenAIBefore as unknown as typeof OpenAI, // the same interface, as far as it is used here
    zodFunction: zodFunctionBefore as unknown as typeof zodFunction,
    zodResponseFormat: zodResponseFormatBefore as unknown as typeof zodResponseFormat,
  },
];

let server: TestServer;
before(async () => {
  server = await testServer();
});
after(async () => {
  await server?.close();
  await closeNano();
});

test('openai 7: stream() puts the call of a custom tool together', async () => {
  const patch = '*** Begin Patch\n*** End Patch\n';
  const turn = `<|channel|>commentary to=functions.apply_patch code<|message|>${patch}<|call|>`;
  const other = await testServer({ model: scriptedModel(o200kHarmony(), [turn]) });
  try {
    const client = new OpenAI({ baseURL: `${other.url}/v1`, apiKey: 'unused', maxRetries: 0 });
    const tool = { type: 'custom' as const, custom: { name: 'apply_patch' } };
    const stream = client.chat.completions.stream({ ...hello, model: 'scripted', tools: [tool] });
    const [choice] = (await stream.finalChatCompletion()).choices;
    const [call] = choice!.message.tool_calls ?? [];
    assert.ok(call?.type === 'custom');
    assert.deepEqual(call.custom, { name: 'apply_patch', input: patch });
  } finally {
    await other.close();
  }
});

/** Of a message or a delta: a field that OpenAI's types do not know. */
function reasoningOf(message: object): string {
  return 'reasoning' in message && typeof message.reasoning === 'string' ? message.reasoning : '';
}

for (const { version, Client, ...zod } of versions) {
  const connect = (url = server.url) => {
    return new Client({ baseURL: `${url}/v1`, apiKey: 'unused', maxRetries: 0, timeout: 120_000 });
  };

  test(`${version}: create answers, with its thoughts and a request id`, async () => {
    const completion = await connect().chat.completions.create(hello);
    const [choice] = completion.choices;
    assert.match(choice!.message.content ?? '', /gpt-oss/);
    assert.notEqual(reasoningOf(choice!.message), '');
    assert.equal(choice!.finish_reason, 'stop');
    assert.ok(completion.usage!.completion_tokens_details!.reasoning_tokens! > 0);
    assert.match(completion._request_id ?? '', /^req_/);
  });

  test(`${version}: create streams chunks, the last with the usage`, async () => {
    const stream = await connect().chat.completions.create({
      ...hello,
      stream: true,
      stream_options: { include_usage: true },
    });
    const seen = { text: '', reasoning: '', finish: '', total: 0 };
    for await (const { choices, usage } of stream) {
      seen.text += choices[0]?.delta.content ?? '';
      seen.reasoning += reasoningOf(choices[0]?.delta ?? {});
      seen.finish += choices[0]?.finish_reason ?? '';
      seen.total += usage?.total_tokens ?? 0;
    }
    assert.ok(seen.text !== '' && seen.reasoning !== '' && seen.total > 0);
    assert.equal(seen.finish, 'stop');
  });

  test(`${version}: stream() puts text, usage and logprobs together`, async () => {
    let text = '';
    const stream = connect()
      .chat.completions.stream({ ...hello, logprobs: true, top_logprobs: 2, stream_options: { include_usage: true } })
      .on('content', (delta) => {
        text += delta;
      });
    const { choices, usage } = await stream.finalChatCompletion();
    assert.equal(choices[0]!.message.content, text);
    assert.equal(await stream.finalContent(), text);
    const bytes = choices[0]!.logprobs!.content!.flatMap((token) => token.bytes ?? []);
    assert.equal(Buffer.from(bytes).toString(), text);
    assert.ok(usage!.total_tokens > 0);
  });

  test(`${version}: stream() puts a call together`, async () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const stream = connect().chat.completions.stream({
      model,
      temperature: 0,
      messages: asked,
      tools: [{ type: 'function', function: { name: 'get_weather', parameters } }],
    });
    const calls: string[] = [];
    stream.on('tool_calls.function.arguments.done', ({ name, arguments: given }) => {
      calls.push(`${name} ${JSON.stringify(JSON.parse(given))}`);
    });
    const { choices } = await stream.finalChatCompletion();
    assert.equal(choices[0]!.finish_reason, 'tool_calls');
    assert.equal(choices[0]!.message.tool_calls![0]!.type, 'function');
    assert.deepEqual(calls, ['get_weather {"city":"Paris"}']);
  });

  for (const stream of [false, true]) {
    test(`${version}: runTools carries the call out and gets an answer${stream ? ', streamed' : ''}`, async () => {
      const cities: string[] = [];
      const tool = {
        type: 'function' as const,
        function: {
          name: 'get_weather',
          description: 'Gets the weather.',
          parameters: {
            type: 'object',
            properties: { city: { type: 'string', description: 'The city' } },
            required: ['city'],
          },
          parse: (text: string) => z.object({ city: z.string() }).parse(JSON.parse(text)),
          function: ({ city }: { city: string }) => {
            cities.push(city);
            return { temperature: 21, condition: 'sunny' };
          },
        },
      };
      const { completions } = connect().chat;
      const body = { model, temperature: 0, messages: asked, tools: [tool] };
      const runner = stream ? completions.runTools({ ...body, stream }) : completions.runTools(body);
      assert.match((await runner.finalContent()) ?? '', /21/);
      assert.deepEqual(cities, ['Paris']);
    });
  }

  test(`${version}: parse reads what a strict zod schema demands, from answers and from calls`, async () => {
    const Mood = z.object({ mood: z.enum(['good', 'bad']), score: z.number().int() });
    const request = { ...hello, response_format: zod.zodResponseFormat(Mood, 'mood') };
    const { choices } = await connect().chat.completions.parse(request);
    assert.ok(['good', 'bad'].includes(choices[0]!.message.parsed!.mood));
    const streamed = await connect().chat.completions.stream(request).finalChatCompletion();
    assert.ok(Number.isInteger(streamed.choices[0]!.message.parsed!.score));
    const tool = zod.zodFunction({ name: 'get_weather', parameters: z.object({ city: z.enum(['Paris', 'Rome']) }) });
    const called = await connect().chat.completions.parse({
      model,
      temperature: 0,
      messages: asked,
      tools: [tool],
      tool_choice: 'required',
    });
    const [call] = called.choices[0]!.message.tool_calls ?? [];
    assert.ok(call?.type === 'function');
    assert.deepEqual(call.function.parsed_arguments, { city: 'Paris' });
  });

  test(`${version}: errors are of the classes that applications catch`, async () => {
    const { completions } = connect().chat;
    await assert.rejects(completions.create({ ...hello, model: 'gpt-6' }), (error: unknown) => {
      return error instanceof Client.NotFoundError && error.code === 'model_not_found';
    });
    const long = [{ role: 'user' as const, content: 'What can you do? '.repeat(1200) }];
    for (const stream of [false, true]) {
      await assert.rejects(completions.create({ model, messages: long, stream }), (error: unknown) => {
        return error instanceof Client.BadRequestError && error.code === 'context_length_exceeded';
      });
    }
    await assert.rejects(completions.create({ ...hello, temperature: 99 }), (error: unknown) => {
      return error instanceof Client.BadRequestError && error.param === 'temperature';
    });
  });

  test(`${version}: an error in the middle of a stream is raised`, async () => {
    const broken = scriptedModel(o200kHarmony(), ['<|channel|>final<|message|>Rain.<|return|>']);
    const chat = broken.chat.bind(broken);
    broken.chat = async function* (...given: Parameters<typeof chat>) {
      for await (const event of chat(...given)) {
        yield event;
        if (event.type === 'text') throw new OssiaError('model/not-finite', 'The logits are not finite');
      }
    };
    const other = await testServer({ model: broken });
    try {
      let text = '';
      const read = async () => {
        const stream = await connect(other.url).chat.completions.create({ ...hello, model: 'scripted', stream: true });
        for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
      };
      await assert.rejects(read, /not finite/);
      assert.equal(text, 'Rain');
    } finally {
      await other.close();
    }
  });

  test(`${version}: a stream that the application ends leaves nothing running`, async () => {
    const stream = await connect().chat.completions.create({
      ...hello,
      temperature: 2,
      ignore_eos: true,
      stream: true,
    } as {
      model: string;
      messages: typeof hello.messages;
      stream: true;
    });
    for await (const _ of stream) break;
    for (let i = 0; server.turns.size > 0 || server.host.leases > 0; i++) {
      assert.ok(i < 1000, 'the turn goes on');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  test(`${version}: Completions and Models`, async () => {
    const client = connect();
    const { choices } = await client.completions.create({ model, prompt: 'I can chat a', temperature: 0, logprobs: 1 });
    assert.match(choices[0]!.text, /^ little/);
    assert.equal(choices[0]!.logprobs!.tokens!.join(''), choices[0]!.text);
    let text = '';
    const stream = await client.completions.create({ model, prompt: 'I can chat a', temperature: 0, stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
    assert.equal(text, choices[0]!.text);
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    assert.deepEqual(ids, [model]);
    assert.equal((await client.models.retrieve(model)).id, model);
    await assert.rejects(client.models.retrieve('openai/gpt-6'), Client.NotFoundError);
    await assert.rejects(client.embeddings.create({ model, input: 'x' }), /no embeddings/);
  });
}
