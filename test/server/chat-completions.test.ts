import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, askStream, refusal } from '../support/ask.ts';
import { checkUsage, type Json, readChatStream } from '../support/chat-stream.ts';
import { closeNano, nano, type TestServer, testServer } from '../support/server.ts';

const PATH = '/v1/chat/completions';
const HELLO = [{ role: 'user', content: 'What can you do?' }];
const WEATHER = [{ role: 'user', content: 'What is the weather in Paris?' }];
const weather = {
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
};

let server: TestServer;
before(async () => {
  server = await testServer();
});
after(async () => {
  assert.deepEqual([server.host.leases, server.turns.size], [0, 0], 'every lease is given back, every turn has ended');
  await server.close();
  await closeNano();
});

test('an answer has its thoughts under both names, and its usage', async () => {
  const body = await ask(server, PATH, { model: 'ossia-nano', messages: HELLO, temperature: 0 });
  assert.match(body.id, /^chatcmpl-\w{32}$/);
  assert.deepEqual([body.object, body.model], ['chat.completion', 'ossia-nano']);
  assert.ok(Math.abs(body.created - Date.now() / 1000) < 600);
  const [{ message, ...choice }] = body.choices;
  assert.deepEqual(choice, { index: 0, logprobs: null, finish_reason: 'stop' });
  const { content, reasoning, reasoning_content: other, ...rest } = message;
  assert.deepEqual(rest, { role: 'assistant', refusal: null, annotations: [] });
  assert.match(content, /^I can .*gpt-oss/);
  assert.match(reasoning, /what I can do/);
  assert.equal(other, reasoning);
  checkUsage(body.usage);
  assert.ok(body.usage.completion_tokens_details.reasoning_tokens > 0);
  assert.equal(body.usage.prompt_tokens, (await nano()).countTokens([{ role: 'user', content: 'What can you do?' }]));
  assert.equal(body.ossia, undefined);
  const again = await ask(server, PATH, { messages: HELLO, temperature: 0 });
  assert.equal(again.system_fingerprint, body.system_fingerprint);
  assert.ok(again.usage.prompt_tokens_details.cached_tokens > 0);
});

test('a stream says what the answer says', async () => {
  for (const [messages, tools] of [
    [HELLO, undefined],
    [WEATHER, [weather]],
  ] as const) {
    const request = { messages, tools, seed: 5, temperature: 0.7 };
    const body = await ask(server, PATH, request);
    const text = await askStream(server, PATH, { ...request, stream_options: { include_usage: true } });
    const { choices, usage, chunks } = readChatStream(text, { usage: true });
    const [{ message, finish_reason: reason }] = body.choices;
    assert.equal(choices[0]!.content, message.content ?? '');
    assert.equal(choices[0]!.reasoning, message.reasoning ?? '');
    assert.equal(choices[0]!.finishReason, reason);
    assert.deepEqual(
      choices[0]!.calls.map(({ name, arguments: given }) => [name, given]),
      (message.tool_calls ?? []).map((call: Json) => [call.function.name, call.function.arguments]),
    );
    assert.deepEqual(
      [usage.prompt_tokens, usage.completion_tokens],
      [body.usage.prompt_tokens, body.usage.completion_tokens],
    );
    assert.equal(chunks.at(-2).seed, 5);
  }
});

test('usage comes in a stream only when it was asked for', async () => {
  readChatStream(await askStream(server, PATH, { messages: HELLO, max_tokens: 3 }));
  readChatStream(await askStream(server, PATH, { messages: HELLO, max_tokens: 3, stream_options: null }));
});

test('a call, its result and the answer: without the thoughts, from the kept prefix', async () => {
  const first = await ask(server, PATH, { messages: WEATHER, tools: [weather], seed: 1 });
  const [{ message, finish_reason: reason }] = first.choices;
  assert.deepEqual([reason, message.content, message.tool_calls.length], ['tool_calls', null, 1]);
  const [call] = message.tool_calls;
  assert.deepEqual(
    [call.type, call.function.name, JSON.parse(call.function.arguments)],
    ['function', 'get_weather', { city: 'Paris' }],
  );
  const result = { role: 'tool', tool_call_id: call.id, content: '{"temperature":21,"condition":"sunny"}' };
  const sentBack = { role: 'assistant', tool_calls: message.tool_calls }; // as OpenAI's own SDKs do it: no content
  const second = await ask(server, PATH, { messages: [...WEATHER, sentBack, result], tools: [weather], seed: 2 });
  assert.match(second.choices[0].message.content, /21/);
  assert.equal(second.choices[0].finish_reason, 'stop');
  // Everything up to the result is what the model has just read or written.
  const seen = first.usage.prompt_tokens + first.usage.completion_tokens;
  assert.ok(second.usage.prompt_tokens_details.cached_tokens >= Math.min(128, seen - 70), JSON.stringify(second.usage));
});

test('tool_choice: none, required, a name, and some of the tools', async () => {
  const other = { type: 'function', function: { name: 'say', parameters: { type: 'object', properties: {} } } };
  const called = async (choice: unknown) => {
    const request = { messages: WEATHER, tools: [weather, other], tool_choice: choice, max_tokens: 120, seed: 3 };
    const { choices } = await ask(server, PATH, request);
    return (choices[0].message.tool_calls ?? []).map((call: Json) => call.function.name);
  };
  assert.deepEqual(await called('none'), []);
  assert.equal((await called('required')).length, 1);
  assert.deepEqual(await called({ type: 'function', function: { name: 'say' } }), ['say']);
  const allowed = { mode: 'required', tools: [{ type: 'function', function: { name: 'say' } }] };
  assert.deepEqual(await called({ type: 'allowed_tools', allowed_tools: allowed }), ['say']);
});

test('a custom tool is called with a text, and its result goes back', async () => {
  const tool = { type: 'custom', custom: { name: 'shout', description: 'Says it loudly.' } };
  const request = { messages: HELLO, tools: [tool], tool_choice: 'required', max_tokens: 60, seed: 1 };
  const { choices } = await ask(server, PATH, request);
  const [call] = choices[0].message.tool_calls ?? [];
  if (call === undefined) assert.equal(choices[0].finish_reason, 'length');
  else assert.deepEqual([call.type, call.custom.name, typeof call.custom.input], ['custom', 'shout', 'string']);
  const { choices: streamed } = readChatStream(await askStream(server, PATH, request));
  assert.equal(streamed[0]!.calls[0]?.name, 'shout');
  const history = [
    ...HELLO,
    { role: 'assistant', tool_calls: [{ id: 'call_1', type: 'custom', custom: { name: 'shout', input: 'HEY' } }] },
    { role: 'tool', tool_call_id: 'call_1', content: 'done' },
  ];
  await ask(server, PATH, { messages: history, tools: [tool], max_tokens: 2 });
});

test('the functions of old clients: function_call in, function_call out', async () => {
  const request = { messages: WEATHER, functions: [weather.function], seed: 1 };
  const { choices } = await ask(server, PATH, request);
  assert.equal(choices[0].finish_reason, 'function_call');
  assert.equal(choices[0].message.function_call.name, 'get_weather');
  assert.equal(choices[0].message.tool_calls, undefined);
  const { choices: streamed } = readChatStream(await askStream(server, PATH, request));
  assert.deepEqual(JSON.parse(streamed[0]!.calls[0]!.arguments), { city: 'Paris' });
  const history = [
    ...WEATHER,
    { role: 'assistant', content: null, function_call: choices[0].message.function_call },
    { role: 'function', name: 'get_weather', content: '{"temperature":21,"condition":"sunny"}' },
  ];
  const answer = await ask(server, PATH, { ...request, messages: history });
  assert.match(answer.choices[0].message.content, /21/);
  const named = await ask(server, PATH, { ...request, function_call: { name: 'get_weather' } });
  assert.equal(named.choices[0].message.function_call.name, 'get_weather');
});

test('response_format is held: a schema, and any object', async () => {
  const schema = {
    type: 'object',
    properties: { mood: { enum: ['good', 'bad'] }, score: { type: 'integer', minimum: 1, maximum: 9 } },
    required: ['mood', 'score'],
    additionalProperties: false,
  };
  const format = { type: 'json_schema', json_schema: { name: 'mood', schema, strict: true } };
  const { choices } = await ask(server, PATH, { messages: HELLO, response_format: format, seed: 4 });
  const value = JSON.parse(choices[0].message.content);
  assert.deepEqual(Object.keys(value), ['mood', 'score']);
  const request = { messages: HELLO, response_format: { type: 'json_object' }, seed: 4, max_tokens: 200 };
  const any = await ask(server, PATH, request);
  if (any.choices[0].finish_reason === 'stop')
    assert.equal(typeof JSON.parse(any.choices[0].message.content), 'object');
});

test('a schema that cannot be held is refused when strict, and reported when not', async () => {
  const schema = {
    type: 'object',
    properties: { a: { type: 'string', format: 'hostname' } },
    unevaluatedProperties: false,
  };
  const tool = (strict: boolean) => [{ type: 'function', function: { name: 'f', parameters: schema, strict } }];
  const { status, message } = await refusal(server, PATH, { messages: HELLO, tools: tool(true), max_tokens: 2 });
  assert.equal(status, 400, message);
  const { ossia } = await ask(server, PATH, { messages: HELLO, tools: tool(false), max_tokens: 2 });
  assert.equal(ossia.notes[0].tool, 'f');
  const { ossia: streamed } = readChatStream(
    await askStream(server, PATH, { messages: HELLO, tools: tool(false), max_tokens: 2 }),
  );
  assert.deepEqual(streamed, ossia);
});

test('n answers differ by seeds that follow from the first', async () => {
  const request = { messages: HELLO, n: 3, seed: 11, temperature: 2, max_tokens: 20 };
  const { choices, usage } = await ask(server, PATH, request);
  assert.deepEqual(
    choices.map(({ index }: Json) => index),
    [0, 1, 2],
  );
  const textOf = ({ message }: Json) => `${message.reasoning}|${message.content}`;
  const alone = await ask(server, PATH, { ...request, n: 1, seed: 13 });
  assert.equal(textOf(choices[2]), textOf(alone.choices[0]));
  assert.equal(usage.completion_tokens, 60);
  assert.equal(usage.prompt_tokens, alone.usage.prompt_tokens);
  const text = await askStream(server, PATH, { ...request, stream_options: { include_usage: true } });
  const streamed = readChatStream(text, { usage: true, choices: 3 });
  assert.deepEqual(
    streamed.choices.map(({ reasoning }) => reasoning),
    choices.map(({ message }: Json) => message.reasoning ?? ''),
  );
  assert.equal(streamed.usage.completion_tokens, 60);
});

test('logprobs are of the tokens of the answer, byte for byte', async () => {
  const request = { messages: HELLO, logprobs: true, top_logprobs: 3, temperature: 0 };
  const { choices } = await ask(server, PATH, request);
  const { content } = choices[0].logprobs;
  assert.equal(textOfTokens(content), choices[0].message.content);
  for (const { token, logprob, top_logprobs: top } of content) {
    assert.ok(logprob <= 0 && top.length >= 1 && top.length <= 3);
    assert.deepEqual([top[0].token, top[0].logprob], [token, logprob], 'greedy takes the best');
  }
  const { choices: streamed } = readChatStream(await askStream(server, PATH, request));
  assert.deepEqual(streamed[0]!.logprobs, content);
  const { choices: bare } = await ask(server, PATH, { ...request, top_logprobs: null });
  assert.deepEqual(bare[0].logprobs.content[0].top_logprobs, []);
  const wrong = await refusal(server, PATH, { messages: HELLO, top_logprobs: 2 });
  assert.deepEqual([wrong.status, wrong.param], [400, 'top_logprobs']);
});

function textOfTokens(tokens: readonly { bytes: readonly number[] }[]): string {
  return Buffer.from(tokens.flatMap(({ bytes }) => bytes)).toString();
}

test('a stop text ends the answer before it, wherever its tokens are cut', async () => {
  const { choices } = await ask(server, PATH, { messages: HELLO, temperature: 0 });
  const whole: string = choices[0].message.content;
  const stop = whole.slice(9, 22);
  const cut = await ask(server, PATH, { messages: HELLO, temperature: 0, stop: ['nowhere', stop], logprobs: true });
  const [choice] = cut.choices;
  const expected = whole.slice(0, whole.indexOf(stop));
  assert.deepEqual([choice.message.content, choice.finish_reason, choice.stop_reason], [expected, 'stop', stop]);
  assert.ok(textOfTokens(choice.logprobs.content).startsWith(expected));
});

test('what was cut is called cut', async () => {
  const { choices } = await ask(server, PATH, { messages: HELLO, max_completion_tokens: 4, max_tokens: 400 });
  assert.equal(choices[0].finish_reason, 'length');
});

test('a low limit leaves room for an answer: thoughts do not eat it up', async () => {
  const title = async (more: object) => {
    const { choices } = await ask(server, PATH, { messages: HELLO, temperature: 0, max_tokens: 12, ...more });
    return choices[0].message;
  };
  assert.match((await title({})).content, /^I can/);
  assert.equal((await title({ reserve: 0 })).content, '');
});

test('thinking: less, none, hidden, and within a budget', async () => {
  const thoughts = async (more: object) =>
    (await ask(server, PATH, { messages: HELLO, temperature: 0, ...more })).choices[0].message;
  for (const off of [
    { reasoning_effort: 'none' },
    { chat_template_kwargs: { enable_thinking: false } },
    { max_reasoning_tokens: 0 },
    { include_reasoning: false },
    { reasoning: { exclude: true } },
  ]) {
    const message = await thoughts(off);
    assert.deepEqual([message.reasoning, message.reasoning_content], [undefined, undefined], JSON.stringify(off));
    assert.ok(message.content.length > 0);
  }
  const budget = await ask(server, PATH, { messages: HELLO, temperature: 0, max_reasoning_tokens: 2 });
  assert.equal(budget.ossia.reasoning_cut, 'budget');
  for (const effort of ['minimal', 'low', 'medium', 'high', 'xhigh']) {
    await ask(server, PATH, { messages: HELLO, reasoning_effort: effort, max_tokens: 1 });
  }
  const { choices } = readChatStream(await askStream(server, PATH, { messages: HELLO, include_reasoning: false }));
  assert.equal(choices[0]!.reasoning, '');
});

test('a bias by token id is held to', async () => {
  const { tokenizer } = await nano();
  const [id] = tokenizer.encode('I');
  const { choices } = await ask(server, PATH, {
    messages: HELLO,
    temperature: 0,
    logit_bias: { [id!]: -100 },
    max_tokens: 60,
  });
  assert.doesNotMatch(choices[0].message.content ?? '', /^I /);
});

test('every form of message that clients send is read', async () => {
  const messages = [
    { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
    { role: 'developer', content: 'Be kind.', name: 'boss' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Hi' },
        { type: 'text', text: 'there' },
      ],
      name: 'ann',
    },
    {
      role: 'assistant',
      content: [{ type: 'text', text: 'Hello.' }],
      reasoning: 'A greeting.',
      refusal: null,
      audio: null,
    },
    { role: 'user', content: '' },
    { role: 'assistant', content: null, refusal: 'No.' },
    { role: 'user', content: 'And now?' },
  ];
  const body = await ask(server, PATH, {
    messages,
    max_tokens: 3,
    user: 'u',
    store: true,
    metadata: { a: 'b' },
    n: null,
    stop: null,
  });
  assert.equal(body.choices[0].finish_reason, 'length');
  assert.equal(
    (await ask(server, PATH, { messages: HELLO, max_tokens: 1, service_tier: 'auto' })).service_tier,
    'default',
  );
});

test('what is wrong with a request is said with its place', async () => {
  const wrong: [object | string, RegExp | null, RegExp][] = [
    ['{"messages": [', null, /not valid JSON/],
    ['', null, /empty/],
    [{}, /^messages$/, /messages/],
    [{ messages: [] }, /^messages$/, /messages/],
    [{ messages: [{ role: 'robot', content: 'x' }] }, /^messages\[0\]\.role$/, /role/],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      /^messages\[0\]\.content\[0\]$/,
      /text only/,
    ],
    [{ messages: [{ role: 'user' }] }, /^messages\[0\]\.content$/, /content/],
    [{ messages: [{ role: 'tool', content: 'x' }] }, null, /which call/],
    [{ messages: [{ role: 'function', content: 'x' }] }, /^messages\[0\]\.name$/, /name/],
    [{ messages: [{ role: 'assistant', tool_calls: [{ id: 'a' }] }] }, /^messages\[0\]\.tool_calls\[0\]$/, /function/],
    [{ messages: [...HELLO, { role: 'tool', content: 'x', tool_call_id: 'q' }] }, null, /no call has the id "q"/],
    [{ messages: HELLO, temperature: 11 }, /^temperature$/, /temperature/],
    [{ messages: HELLO, n: 17 }, /^n$/, /n:/],
    [{ messages: HELLO, top_p: 0 }, /^top_p$/, /top_p/],
    [{ messages: HELLO, seed: 1.5 }, /^seed$/, /integer/],
    [{ messages: HELLO, stop: Array(17).fill('x') }, /^stop$/, /stop/],
    [{ messages: HELLO, logit_bias: { hello: 1 } }, /^logit_bias/, /token ids/],
    [{ messages: HELLO, tools: [{ type: 'web_search' }] }, /^tools\[0\]/, /tools\[0\]/],
    [{ messages: HELLO, tools: [weather, weather] }, /^tools$/, /two of them/],
    [{ messages: HELLO, tool_choice: 'required' }, /^tool_choice$/, /at least one tool/],
    [
      { messages: HELLO, tools: [weather], tool_choice: { type: 'function', function: { name: 'x' } } },
      /^tool_choice$/,
      /no tool/,
    ],
    [{ messages: HELLO, response_format: { type: 'xml' } }, /^response_format/, /response_format/],
    [{ messages: HELLO, modalities: ['text', 'audio'] }, /^modalities$/, /text only/],
    [{ messages: HELLO, guided_json: {} }, /^guided_json$/, /response_format/],
    [{ messages: HELLO, reasoning_effort: 'extreme' }, /^reasoning_effort$/, /reasoning_effort/],
  ];
  for (const [request, param, message] of wrong) {
    const error = await refusal(server, PATH, request);
    assert.deepEqual([error.status, error.type], [400, 'invalid_request_error'], JSON.stringify(request));
    assert.match(error.message, message);
    if (param) assert.match(error.param ?? '', param, JSON.stringify(error));
  }
  const unknown = await refusal(server, PATH, { messages: HELLO, model: 'gpt-6' });
  assert.deepEqual([unknown.status, unknown.code], [404, 'model_not_found']);
});

test('a conversation that is too long is refused with its numbers, or cut when that was asked for', async () => {
  const long = { role: 'user', content: 'What can you do? '.repeat(1200) };
  const error = await refusal(server, PATH, { messages: [long] });
  assert.deepEqual([error.status, error.code], [400, 'context_length_exceeded']);
  assert.match(error.message, /\d{4} tokens.*4096/);
  const streamed = await refusal(server, PATH, { messages: [long], stream: true });
  assert.deepEqual([streamed.status, streamed.code], [400, 'context_length_exceeded']);
  const history = [long, { role: 'assistant', content: 'Much.' }, ...HELLO];
  const cut = await ask(server, PATH, { messages: history, truncation: 'auto', max_tokens: 3 });
  assert.equal(cut.ossia.truncated.messages, 2);
  assert.ok(cut.usage.prompt_tokens < 300);
});
