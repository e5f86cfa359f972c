import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chatCompletion, chatCompletionRequest, validate } from '../../src/api/index.ts';
import { OssiaError } from '../../src/base/index.ts';
import { type ScriptedModel, type ScriptedTurn, type ScriptOptions, scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { ask, askStream, refusal } from '../support/ask.ts';
import { type Json, readChatStream } from '../support/chat-stream.ts';
import { type TestServer, testServer } from '../support/server.ts';

const PATH = '/v1/chat/completions';
const HELLO = [{ role: 'user', content: 'Hello.' }];
const tokenizer = o200kHarmony();
const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const tools = [{ type: 'function', function: { name: 'weather', parameters } }];

const THOUGHT = '<|channel|>analysis<|message|>The tool knows.<|end|><|start|>assistant';
const CALL = '<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city": "Oslo"}<|call|>';
const ANSWER = '<|channel|>final<|message|>Rain.<|return|>';

async function withScript(
  turns: readonly ScriptedTurn[],
  use: (server: TestServer, model: ScriptedModel) => Promise<void>,
  options: ScriptOptions = {},
): Promise<void> {
  const model = scriptedModel(tokenizer, turns, options);
  const server = await testServer({ model });
  try {
    await use(server, model);
    await until(() => server.host.leases === 0 && server.turns.size === 0);
  } finally {
    await server.close();
  }
}

/** Waits for what has to come, however slow the machine. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    assert.ok(i < 3000, 'it never came');
    await sleep(10);
  }
}

test('thoughts that a client drops between calls are in the prompt of the next turn, token for token', async () => {
  const turn = THOUGHT + CALL;
  await withScript([turn, ANSWER, turn, ANSWER], async (server, { engine }) => {
    for (const stream of [false, true]) {
      const first = stream
        ? readChatStream(await askStream(server, PATH, { messages: HELLO, tools })).choices[0]!.calls[0]!
        : (await ask(server, PATH, { messages: HELLO, tools })).choices[0].message.tool_calls[0];
      const call = { id: first.id, type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } };
      const history = [...HELLO, { role: 'assistant', content: '', tool_calls: [call] }];
      const result = { role: 'tool', tool_call_id: first.id, content: 'rain' };
      const answer = await ask(server, PATH, { messages: [...history, result], tools });
      assert.equal(answer.choices[0].message.content, 'Rain.');
      const [before, after] = engine.requests.slice(-2);
      const written = tokenizer.encodeWithSpecials(turn);
      const start = before!.prompt.length;
      assert.deepEqual(after!.prompt.slice(0, start + written.length), [...before!.prompt, ...written]);
    }
  });
});

test('thoughts that a client sends back are read under either name', async () => {
  for (const name of ['reasoning', 'reasoning_content']) {
    await withScript([ANSWER], async (server, { engine }) => {
      const calls = [{ id: 'call_x', type: 'function', function: { name: 'weather', arguments: '{}' } }];
      const history = [...HELLO, { role: 'assistant', tool_calls: calls, [name]: 'Of my own.' }];
      await ask(server, PATH, {
        messages: [...history, { role: 'tool', tool_call_id: 'call_x', content: 'rain' }],
        tools,
      });
      assert.match(tokenizer.decode(engine.requests[0]!.prompt), /analysis<\|message\|>Of my own\.<\|end\|>/);
    });
  }
});

test('ids of calls are unique across turns', async () => {
  await withScript(Array(6).fill(CALL), async (server) => {
    const ids = new Set<string>();
    for (let i = 0; i < 3; i++) {
      ids.add((await ask(server, PATH, { messages: HELLO, tools })).choices[0].message.tool_calls[0].id);
      ids.add(readChatStream(await askStream(server, PATH, { messages: HELLO, tools })).choices[0]!.calls[0]!.id);
    }
    assert.equal(ids.size, 6);
  });
});

test('a remark before a call is content, and stands apart from the next', async () => {
  const remark = (text: string) => `<|channel|>commentary<|message|>${text}<|end|><|start|>assistant`;
  const turn = `${remark('First.')}${remark('Then.')}${CALL}`;
  await withScript([turn, turn], async (server) => {
    const { choices } = await ask(server, PATH, { messages: HELLO, tools });
    assert.equal(choices[0].message.content, 'First.\n\nThen.');
    assert.equal(choices[0].finish_reason, 'tool_calls');
    const stream = readChatStream(await askStream(server, PATH, { messages: HELLO, tools }));
    assert.equal(stream.choices[0]!.content, 'First.\n\nThen.');
  });
});

test('a call that the limit cuts is no call: the answer says length and shows what there is', async () => {
  const cut = CALL.slice(0, CALL.indexOf(' "Oslo'));
  await withScript([cut, cut], async (server) => {
    const { choices, ossia } = await ask(server, PATH, { messages: HELLO, tools });
    assert.deepEqual([choices[0].finish_reason, choices[0].message.tool_calls], ['length', undefined]);
    assert.deepEqual(ossia.cut_calls, [{ name: 'weather', arguments: '{"city":' }]);
    const stream = readChatStream(await askStream(server, PATH, { messages: HELLO, tools }));
    assert.equal(stream.choices[0]!.finishReason, 'length');
    assert.deepEqual(stream.ossia, ossia);
  });
});

test('of several calls in one turn, one is given where one was asked for', async () => {
  const other = CALL.replace('Oslo', 'Rome').replace('<|call|>', '<|end|>');
  const turn = `${other}<|start|>assistant${CALL}`;
  for (const [more, count] of [
    [{ tools }, 2],
    [{ tools, parallel_tool_calls: true }, 2],
    [{ tools, parallel_tool_calls: false }, 1],
    [{ functions: [tools[0]!.function] }, 1],
  ] as const) {
    await withScript([turn, turn], async (server) => {
      const { choices } = await ask(server, PATH, { messages: HELLO, ...more });
      const { message } = choices[0];
      const calls = message.tool_calls?.map((call: Json) => call.function) ?? [message.function_call];
      assert.deepEqual([calls.length, JSON.parse(calls[0].arguments)], [count, { city: 'Rome' }]);
      const [streamed] = readChatStream(await askStream(server, PATH, { messages: HELLO, ...more })).choices;
      assert.deepEqual(
        streamed!.calls.map((call) => call.arguments),
        calls.map((call: Json) => call.arguments),
      );
    });
  }
});

test('a call without arguments has an empty object', async () => {
  const call = '<|channel|>commentary to=functions.weather <|constrain|>json<|message|><|call|>';
  await withScript([call, call], async (server) => {
    const { choices } = await ask(server, PATH, { messages: HELLO, tools });
    assert.equal(choices[0].message.tool_calls[0].function.arguments, '{}');
    const stream = readChatStream(await askStream(server, PATH, { messages: HELLO, tools }));
    assert.equal(stream.choices[0]!.calls[0]!.arguments, '{}');
  });
});

test('what goes wrong before the first token is a status, in the middle an event', async () => {
  const broken = new OssiaError('engine/queue-full', 'Cannot take one more');
  await withScript([broken, broken, new TypeError('a secret')], async (server) => {
    for (const stream of [false, true]) {
      const error = await refusal(server, PATH, { messages: HELLO, stream });
      assert.deepEqual([error.status, error.code, error.type], [503, 'server_is_overloaded', 'server_error']);
    }
    const inner = await refusal(server, PATH, { messages: HELLO });
    assert.equal(inner.status, 500);
    assert.doesNotMatch(JSON.stringify(inner), /secret/);
  });
  await withScript([ANSWER], async (server) => {
    const { model } = await server.host.lend();
    const chat = model.chat.bind(model);
    model.chat = async function* (...given: Parameters<typeof chat>) {
      for await (const event of chat(...given)) {
        yield event;
        if (event.type === 'text') throw new OssiaError('model/not-finite', 'The logits are not finite');
      }
    };
    server.host.leases = 0;
    const { error, choices } = readChatStream(await askStream(server, PATH, { messages: HELLO }));
    assert.equal(choices[0]!.content, 'Rain');
    assert.deepEqual([error.code, error.type], ['model/not-finite', 'server_error']);
  });
});

test('where one of several answers fails, the others are ended', async () => {
  const endless = tokenizer.encodeWithSpecials(`<|channel|>final<|message|>${'word '.repeat(4000)}`);
  for (const stream of [false, true]) {
    await withScript(
      [endless, new OssiaError('engine/queue-full', 'Cannot take one more')],
      async (server, { engine }) => {
        const error = await refusal(server, PATH, { messages: HELLO, n: 2, stream });
        assert.equal(error.status, 503);
        assert.ok(engine.requests[0]!.options.signal!.aborted);
      },
      { msPerToken: 20 },
    );
  }
});

test('a client that leaves ends its turn, streamed or not, before and after the first token', async () => {
  const endless = tokenizer.encodeWithSpecials(`<|channel|>final<|message|>${'word '.repeat(4000)}`);
  for (const [stream, wait] of [
    [true, 'data: '],
    [true, 'word'],
    [false, ''],
  ] as const) {
    await withScript(
      [endless],
      async (server, { engine }) => {
        const seen = await leaveAfter(server, { messages: HELLO, stream }, wait, () => engine.requests.length > 0);
        assert.ok(seen.includes(wait));
        const signal = engine.requests[0]!.options.signal!;
        await until(() => signal.aborted);
      },
      { msPerToken: 20 },
    );
  }
});

/** Goes away once the answer has come to a text; or, where there is none, once the turn runs. */
async function leaveAfter(server: TestServer, body: object, text: string, running: () => boolean): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const request = httpRequest(`${server.url}${PATH}`, { method: 'POST', headers });
  request.on('error', () => {}); // that the connection is gone is the point
  request.end(JSON.stringify(body));
  let seen = '';
  request.on('response', (response) => {
    response.on('error', () => {});
    response.setEncoding('utf8').on('data', (piece: string) => {
      seen += piece;
    });
  });
  await until(() => running() && seen.includes(text));
  request.destroy();
  return seen;
}

test('a turn that is stopped from outside says so', async () => {
  const endless = tokenizer.encodeWithSpecials(`<|channel|>final<|message|>${'word '.repeat(2000)}`);
  await withScript(
    [endless],
    async (server) => {
      const running = ask(server, PATH, { messages: HELLO });
      await until(() => server.turns.size === 1);
      server.turns.stopAll();
      const { choices, ossia } = await running;
      assert.deepEqual([choices[0].finish_reason, ossia], ['length', { cancelled: true }]);
    },
    { msPerToken: 20 },
  );
});

test('a turn whose time is up is an error, streamed or not', async () => {
  const endless = tokenizer.encodeWithSpecials(`<|channel|>final<|message|>${'word '.repeat(2000)}`);
  for (const stream of [false, true]) {
    await withScript(
      [endless],
      async ({ host, turns }) => {
        const request = validate(chatCompletionRequest, { messages: HELLO, stream });
        const time = new AbortController();
        const caller = { client: 'anyone', signal: time.signal };
        const reply = chatCompletion(request, { host, turns, version: '0' }, caller);
        reply.catch(() => {}); // it is looked at below
        await until(() => turns.size === 1);
        time.abort(new OssiaError('server/timeout', 'It took too long'));
        if (!stream) return assert.rejects(reply, { code: 'server/timeout' });
        const answer = await reply;
        assert.ok(answer.type === 'sse');
        let last: Json;
        for await (const { data } of answer.events) last = data;
        assert.equal(last.error.code, 'server/timeout');
      },
      { msPerToken: 20 },
    );
  }
});

test('half characters are whole in every chunk, and their tokens have their bytes', async () => {
  const text = 'Grüße 🙂🦄 – 日本語 ✓';
  const turn = `<|channel|>final<|message|>${text}<|return|>`;
  await withScript([turn, turn], async (server) => {
    const body = await ask(server, PATH, { messages: HELLO, logprobs: true, top_logprobs: 1 });
    const { choices, chunks } = readChatStream(
      await askStream(server, PATH, { messages: HELLO, logprobs: true, top_logprobs: 1 }),
    );
    assert.equal(choices[0]!.content, text);
    assert.ok(!chunks.some((chunk: Json) => chunk.choices[0].delta.content?.includes('\uFFFD')));
    for (const tokens of [body.choices[0].logprobs.content, choices[0]!.logprobs]) {
      assert.equal(Buffer.from(tokens.flatMap(({ bytes }: Json) => bytes)).toString(), text);
      assert.equal(tokens.length, tokenizer.encode(text).length);
    }
    assert.ok(
      choices[0]!.logprobs.some(({ token }) => token.includes('\uFFFD')),
      'the text has such tokens',
    );
  });
});

test('an answer that turns out to be a call: the answer takes it back, a stream cannot', async () => {
  const turn = '<|channel|>final<|message|>{"city":"Oslo"}<|call|>';
  await withScript([turn, turn], async (server) => {
    const { choices } = await ask(server, PATH, { messages: HELLO, tools, logprobs: true });
    const [{ message, logprobs }] = choices;
    assert.deepEqual([message.content, message.tool_calls[0].function.arguments], [null, '{"city":"Oslo"}']);
    assert.deepEqual(logprobs.content, []);
    const { choices: streamed } = readChatStream(await askStream(server, PATH, { messages: HELLO, tools }));
    assert.deepEqual([streamed[0]!.finishReason, streamed[0]!.calls[0]!.arguments], ['tool_calls', '{"city":"Oslo"}']);
  });
});
