import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Messages, messagesRequest, validate } from '../../src/api/index.ts';
import { type ScriptedTurn, scriptedModel } from '../../src/chat/testing.ts';
import { anthropicRoutes } from '../../src/server/routes/anthropic.ts';
import { assemble, parseEvents, type StreamEvent } from '../support/anthropic-stream.ts';
import { closeNano, nano, type TestServer, testServer } from '../support/server.ts';

type Json = Record<string, unknown>;

const weather = {
  name: 'get_weather',
  description: 'Gets the weather.',
  input_schema: {
    type: 'object',
    properties: { city: { type: 'string', description: 'The city' } },
    required: ['city'],
  },
};
const ask = (text: string, more: Json = {}): Json => ({
  model: 'ossia-nano',
  max_tokens: 200,
  seed: 1,
  messages: [{ role: 'user', content: text }],
  ...more,
});

let server: TestServer;
before(async () => {
  server = await testServer({ groups: [anthropicRoutes] });
});
after(async () => {
  await server?.close();
  await closeNano();
});

async function post(body: unknown, { to = server, path = '' } = {}): Promise<{ response: Response; text: string }> {
  const init = { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(`${to.url}/v1/messages${path}`, init);
  return { response, text: await response.text() };
}

async function create(body: Json, to = server): Promise<Json> {
  const { response, text } = await post(body, { to });
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

async function stream(body: Json, to = server): Promise<ReturnType<typeof assemble>> {
  const { response, text } = await post({ ...body, stream: true }, { to });
  assert.equal(response.status, 200, text);
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  return assemble(parseEvents(text));
}

/** A server whose model replays what it is told to. */
async function scripted(turns: readonly ScriptedTurn[], use: (to: TestServer) => Promise<void>): Promise<void> {
  const tokenizer = (await nano()).tokenizer;
  const to = await testServer({
    model: scriptedModel(tokenizer, turns, { name: 'ossia-nano' }),
    groups: [anthropicRoutes],
  });
  try {
    await use(to);
  } finally {
    await to.close();
  }
}

const blocks = (message: Json) => message.content as Json[];
const types = (message: Json) => blocks(message).map(({ type }) => type);
/** What two runs of one request may differ in. */
const steady = ({ id: _, usage: _u, content, ...rest }: Json) => ({
  ...rest,
  content: (content as Json[]).map(({ signature: _s, id: _i, ...block }) => block),
});

test('an answer without thoughts is one text block', async () => {
  const message = await create(ask('What can you do?'));
  assert.match(String(message.id), /^msg_[0-9a-f]{32}$/);
  assert.deepEqual([message.type, message.role, message.model], ['message', 'assistant', 'ossia-nano']);
  assert.deepEqual(types(message), ['text']);
  assert.match(String(blocks(message)[0]!.text), /^I can/);
  assert.deepEqual([message.stop_reason, message.stop_sequence], ['end_turn', null]);
});

test('a stream makes the same message as the answer in one piece', async () => {
  for (const thinking of [undefined, { type: 'adaptive' }, { type: 'adaptive', display: 'omitted' }]) {
    const body = ask('What can you do?', thinking ? { thinking } : {});
    const { message } = await stream(body);
    assert.deepEqual(steady(message), steady(await create(body)));
    assert.deepEqual(types(message), thinking ? ['thinking', 'text'] : ['text']);
    if (thinking) assert.equal(blocks(message)[0]!.thinking === '', 'display' in thinking);
  }
});

test('usage counts what is new and what was kept apart, and count_tokens foretells their sum', async () => {
  const body = ask('Please tell me what gpt-oss is, and say what you can do. '.repeat(4), { max_tokens: 30 });
  const { response, text } = await post({ ...body, max_tokens: undefined }, { path: '/count_tokens' });
  assert.equal(response.status, 200, text);
  const { input_tokens: counted } = JSON.parse(text);
  await create(body);
  for (const message of [await create(body), (await stream(body)).message]) {
    const usage = message.usage as Record<string, number>;
    assert.ok(usage.cache_read_input_tokens! >= 64, JSON.stringify(usage));
    assert.equal(usage.input_tokens! + usage.cache_read_input_tokens!, counted);
    assert.ok(usage.output_tokens! > 0 && usage.output_tokens! <= 30);
  }
});

test('a call is made, answered, and spoken of', async () => {
  const tools = [weather, { type: 'web_search_20250305', name: 'web_search', max_uses: 5 }];
  const body = ask('What is the weather in Paris?', { tools, thinking: { type: 'adaptive' } });
  const { response, text } = await post(body);
  assert.equal(response.headers.get('x-ossia-ignored-tools'), 'web_search');
  const message = JSON.parse(text);
  assert.equal(message.stop_reason, 'tool_use');
  const call = blocks(message).at(-1)!;
  assert.match(String(call.id), /^toolu_/);
  assert.deepEqual([call.type, call.name, call.input], ['tool_use', 'get_weather', { city: 'Paris' }]);

  const result = { type: 'tool_result', tool_use_id: call.id, content: '{"temperature":21,"condition":"sunny"}' };
  const messages = [
    ...(body.messages as Json[]),
    { role: 'assistant', content: message.content },
    { role: 'user', content: [result] },
  ];
  const answer = await create({ ...body, messages });
  assert.match(String(blocks(answer).at(-1)!.text), /Paris.*sunny|sunny.*Paris/);
  const dropped = [messages[0]!, { role: 'assistant', content: [call] }, messages[2]!];
  const again = await create({ ...body, messages: dropped });
  const total = (m: Json) => {
    const usage = m.usage as Record<string, number>;
    return usage.input_tokens! + usage.cache_read_input_tokens!;
  };
  assert.equal(total(again), total(answer), 'thoughts that a client drops are put back');
});

test('tool_choice is held, whatever the model would do', async () => {
  const tools = [weather];
  const anyCall = await create(ask('Hello!', { tools, tool_choice: { type: 'any' } }));
  assert.equal(anyCall.stop_reason, 'tool_use');
  const other = { name: 'get_time', input_schema: { type: 'object', properties: {} } };
  const named = await create(
    ask('Hello!', { tools: [weather, other], tool_choice: { type: 'tool', name: 'get_time' } }),
  );
  assert.equal(blocks(named).at(-1)!.name, 'get_time');
  const none = await create(ask('What is the weather in Paris?', { tools, tool_choice: { type: 'none' } }));
  assert.notEqual(none.stop_reason, 'tool_use');
  assert.ok(!types(none).includes('tool_use'));
});

test('thinking can be bounded and forbidden', async () => {
  const bounded = await create(ask('What can you do?', { thinking: { type: 'enabled', budget_tokens: 3 } }));
  const free = await create(ask('What can you do?', { thinking: { type: 'adaptive' } }));
  const thoughts = (m: Json) => String(blocks(m)[0]!.thinking ?? '');
  assert.ok(thoughts(bounded).length < thoughts(free).length, thoughts(bounded));
  const forbidden = await create(ask('What can you do?', { thinking: { type: 'disabled' } }));
  assert.deepEqual(types(forbidden), ['text']);
  assert.deepEqual((forbidden.usage as Json).output_tokens_details, { thinking_tokens: 0 });
});

test('an answer keeps to its schema', async () => {
  const schema = {
    type: 'object',
    properties: { mood: { enum: ['good', 'bad'] }, score: { type: 'integer' } },
    required: ['mood', 'score'],
    additionalProperties: false,
  };
  const output_config = { format: { type: 'json_schema', schema } };
  const message = await create(ask('How are you?', { output_config, max_tokens: 400 }));
  const value = JSON.parse(String(blocks(message)[0]!.text));
  assert.ok(['good', 'bad'].includes(value.mood) && Number.isInteger(value.score), JSON.stringify(value));
});

test('a stop sequence and a limit are told apart', async () => {
  const stopped = await create(ask('What can you do?', { stop_sequences: ['gpt-oss'] }));
  assert.deepEqual([stopped.stop_reason, stopped.stop_sequence], ['stop_sequence', 'gpt-oss']);
  assert.doesNotMatch(String(blocks(stopped)[0]!.text), /gpt-oss/);
  const cut = await create(ask('What can you do?', { max_tokens: 16 }));
  assert.equal(cut.stop_reason, 'max_tokens');
  assert.equal((cut.usage as Json).output_tokens, 16);
  assert.deepEqual(types(cut), ['text'], 'half of the tokens are kept for the answer');
});

test('what is wrong with a request is said in the words of this API, with the parameter', async () => {
  const cases: readonly (readonly [unknown, number, string, RegExp])[] = [
    ['{', 400, 'invalid_request_error', /not valid JSON/],
    [ask('x', { max_tokens: undefined }), 400, 'invalid_request_error', /max_tokens/],
    [ask('x', { max_tokens: 0 }), 400, 'invalid_request_error', /max_tokens/],
    [ask('x', { messages: [] }), 400, 'invalid_request_error', /messages/],
    [ask('x', { temperature: 'warm' }), 400, 'invalid_request_error', /temperature/],
    [ask('x', { messages: [{ role: 'robot', content: 'x' }] }), 400, 'invalid_request_error', /messages\[0\]\.role/],
    [ask('x', { messages: [{ role: 'assistant', content: 'I' }] }), 400, 'invalid_request_error', /must end with/],
    [
      ask('x', { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'x' } }] }] }),
      400,
      'invalid_request_error',
      /messages\[0\]\.content\[0\].*text only/,
    ],
    [ask('x', { tools: [{ name: 'f' }] }), 400, 'invalid_request_error', /tools\[0\]/],
    [ask('x', { tool_choice: { type: 'any' } }), 400, 'invalid_request_error', /no tools/],
    [ask('x', { model: 'claude-nowhere' }), 404, 'not_found_error', /claude-nowhere/],
    [ask('word '.repeat(6000)), 400, 'invalid_request_error', /^prompt is too long: \d+ tokens > 4096 maximum$/],
  ];
  for (const stream of [false, true]) {
    for (const [body, status, type, message] of cases) {
      const sent = typeof body === 'string' ? body : { ...(body as Json), stream };
      const { response, text } = await post(sent);
      const { error, request_id, ...rest } = JSON.parse(text);
      assert.deepEqual([response.status, error.type, rest], [status, type, { type: 'error' }], text);
      assert.match(error.message, message);
      assert.equal(request_id, response.headers.get('request-id'));
      assert.equal(request_id, response.headers.get('x-request-id'));
    }
  }
  assert.equal(server.host.leases, 0);
});

test('whoever leaves frees the model', async () => {
  const { tokenizer } = await nano();
  const text = `<|channel|>final<|message|>${'word '.repeat(3000)}`;
  const to = await testServer({
    model: scriptedModel(tokenizer, [text], { msPerToken: 5 }),
    groups: [anthropicRoutes],
  });
  try {
    const response = await fetch(`${to.url}/v1/messages`, {
      method: 'POST',
      body: JSON.stringify(ask('Hi', { model: 'scripted', stream: true, max_tokens: 4000 })),
    });
    const reader = response.body!.getReader();
    await reader.read();
    assert.equal(to.host.leases, 1);
    await reader.cancel();
    for (let i = 0; i < 500 && to.turns.size > 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual([to.host.leases, to.turns.size], [0, 0]);
  } finally {
    await to.close();
  }
});

test('an error in the middle of a stream is an event, and frees the model', async () => {
  const text = '<|channel|>final<|message|>Hello';
  await scripted([text, new Error('worker gone')], async (to) => {
    const first = await stream(ask('Hi'), to);
    assert.equal(first.error, undefined);
    const { response, text: body } = await post(ask('Hi', { stream: true }), { to });
    assert.equal(response.status, 500);
    assert.equal(JSON.parse(body).error.type, 'api_error');
    assert.equal(to.host.leases, 0);
  });
});

test('a turn that the server stops ends in an error event', async () => {
  await scripted([`<|channel|>final<|message|>${'word '.repeat(3000)}`], async (to) => {
    const response = await fetch(`${to.url}/v1/messages`, {
      method: 'POST',
      body: JSON.stringify(ask('Hi', { stream: true, max_tokens: 4000 })),
    });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let body = (await reader.read()).value ?? '';
    to.turns.stopAll();
    for (let part = await reader.read(); !part.done; part = await reader.read()) body += part.value;
    const { error } = assemble(parseEvents(body));
    assert.equal(((error?.error ?? {}) as Json).type, 'overloaded_error');
    assert.equal(to.host.leases, 0);
  });
});

test('malformed output never reaches a client as it is', async () => {
  const turns: readonly (readonly [text: string, types: readonly string[], stop: string])[] = [
    [
      '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>',
      ['thinking', 'text'],
      'end_turn',
    ],
    [
      '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city":"Paris"}<|call|>',
      ['tool_use'],
      'tool_use',
    ],
    ['<|channel|>commentary to=get_weather json<|message|>{"city":"Paris"}]<|call|>', ['tool_use'], 'tool_use'],
    [
      '<|channel|>analysis to=functions.get_weather<|message|>```json\n{"city":"Paris"}\n```<|call|>',
      ['tool_use'],
      'tool_use',
    ],
    [
      '<|channel|>commentary<|message|>Let me look.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather<|message|>{"city":"Paris"}<|call|>',
      ['text', 'tool_use'],
      'tool_use',
    ],
    ['<|channel|>final<|message|>{"city":"Paris"}<|call|>', ['tool_use'], 'tool_use'],
    ['<|channel|>commentary to=functions.get_weather<|message|>the city of Paris<|call|>', ['tool_use'], 'tool_use'],
    ['<|channel|>commentary to=functions.nothing<|message|>{}<|call|>', ['tool_use'], 'tool_use'],
    ['Just text, no header<|return|>', ['text'], 'end_turn'],
    ['<|channel|>final<|message|><|return|>', [], 'end_turn'],
  ];
  for (const [text, expected, stop] of turns) {
    await scripted([text, text], async (to) => {
      const body = ask('Hi', { tools: [weather], thinking: { type: 'adaptive' } });
      const message = await create(body, to);
      const streamed = await stream(body, to);
      assert.deepEqual([types(message), message.stop_reason], [expected, stop], text);
      assert.doesNotMatch(JSON.stringify([message, streamed]), /<\|/);
      assert.equal(streamed.error, undefined);
      // A stream cannot take back the answer that turned out to be a call.
      const shown = text.includes('final<|message|>{') ? ['text', ...expected] : expected;
      assert.deepEqual(types(streamed.message), shown, text);
    });
  }
});

test('a call that the limit cuts is shown as far as it came, and never happened in one piece', async () => {
  const text = '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city":"Par';
  await scripted([text, text], async (to) => {
    const tokens = (await nano()).tokenizer.encodeWithSpecials(text).length;
    const body = ask('Hi', { tools: [weather], max_tokens: tokens });
    const message = await create(body, to);
    assert.deepEqual([types(message), message.stop_reason], [[], 'max_tokens']);
    const streamed = await stream(body, to);
    assert.deepEqual([types(streamed.message), streamed.message.stop_reason], [['tool_use'], 'max_tokens']);
  });
});

test('arguments that turn out to be no JSON in the middle end a stream with an error', async () => {
  const text = '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": Paris}<|call|>';
  await scripted([text, text], async (to) => {
    const body = ask('Hi', { tools: [weather] });
    const { error } = await stream(body, to);
    assert.match(String(((error?.error ?? {}) as Json).message), /get_weather.*no JSON/);
    assert.deepEqual(blocks(await create(body, to))[0]!.input, { arguments: '{"city": Paris}' });
    assert.equal(to.host.leases, 0);
  });
});

test('thoughts that a client drops come back, though the arguments came back as an object', async () => {
  const { tokenizer } = await nano();
  const call =
    '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Z\\u00fcrich"}<|call|>';
  const turns = [
    `<|channel|>analysis<|message|>Swiss?<|end|><|start|>assistant${call}`,
    '<|channel|>final<|message|>Rain.<|return|>',
  ];
  const model = scriptedModel(tokenizer, turns);
  const to = await testServer({ model, groups: [anthropicRoutes] });
  try {
    const body: Json = { ...ask('Weather?', { tools: [weather] }), model: 'scripted' };
    const message = await create(body, to);
    const { id } = blocks(message)[0]!;
    const result = { type: 'tool_result', tool_use_id: id, content: 'rain' };
    const rest = [
      { role: 'assistant', content: message.content },
      { role: 'user', content: [result] },
    ];
    await create({ ...body, messages: [...(body.messages as Json[]), ...rest] }, to);
    const prompt = tokenizer.decode(model.engine.requests[1]!.prompt);
    assert.ok(prompt.includes(`Swiss?<|end|><|start|>assistant${call}`), prompt);
  } finally {
    await to.close();
  }
});

test('a request whose time is up has what there is, and is cut', async () => {
  const { tokenizer } = await nano();
  const text = `<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>${'word '.repeat(3000)}`;
  const model = scriptedModel(tokenizer, [text, text], { msPerToken: 5 });
  const to = await testServer({ model, groups: [anthropicRoutes] });
  try {
    for (const stream of [false, true]) {
      const body = ask('Hi', { model: 'scripted', max_tokens: 4000, stream, thinking: { type: 'adaptive' } });
      const messages = new Messages({ host: to.host, turns: to.turns });
      const signal = AbortSignal.timeout(1000);
      const reply = await messages.create(validate(messagesRequest, body), {
        requestId: 'req_1',
        client: 'me',
        signal,
      });
      if (reply.type === 'sse') {
        const events: StreamEvent[] = [];
        for await (const { event, data } of reply.events) events.push({ event, data } as StreamEvent);
        const { message, error } = assemble(events);
        assert.deepEqual([types(message), message.stop_reason, error], [['thinking', 'text'], 'max_tokens', undefined]);
      } else {
        assert.equal(reply.type, 'json');
        const message = (reply.type === 'json' ? reply.body : {}) as Json;
        assert.deepEqual([types(message), message.stop_reason], [['thinking', 'text'], 'max_tokens']);
      }
      assert.equal(to.host.leases, 0);
    }
  } finally {
    await to.close();
  }
});
