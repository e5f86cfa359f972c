import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import type { Json } from '../support/chat-stream.ts';
import { readChatStream } from '../support/chat-stream.ts';
import { testServer } from '../support/server.ts';

const tokenizer = o200kHarmony();
const parameters = { type: 'object', properties: { city: { type: 'string' } } };

/** A request that says something of everything. */
const request: Json = {
  model: 'scripted',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'text', text: 'Hi' }], name: 'ann' },
    {
      role: 'assistant',
      content: null,
      reasoning: 'Hm.',
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
  ],
  tools: [{ type: 'function', function: { name: 'weather', description: 'Looks.', parameters, strict: true } }],
  tool_choice: 'auto',
  parallel_tool_calls: true,
  response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: parameters, strict: true } },
  reasoning_effort: 'low',
  max_completion_tokens: 50,
  n: 1,
  temperature: 1,
  top_p: 1,
  top_k: 0,
  min_p: 0,
  repetition_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  seed: 1,
  stop: ['x'],
  logit_bias: { 5: 1 },
  logprobs: true,
  top_logprobs: 1,
  stream: false,
  stream_options: { include_usage: true },
  chat_template_kwargs: { enable_thinking: true },
  max_reasoning_tokens: 10,
  reserve: 1,
  truncation: 'auto',
  include_reasoning: true,
};

const odd = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    '',
    'x',
    -1,
    0,
    1.5,
    1e308,
    2 ** 53,
    [],
    {},
    [null],
    [[]],
    '\u0000',
    '<|end|>',
    '\ud800',
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Places in the request, as paths. */
const places = fc.constantFrom(...pathsOf(request));

function pathsOf(value: Json, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...path, key]));
  return path.length === 0 ? inner : [path, ...inner];
}

function changed(value: Json, [key = '', ...rest]: readonly string[], by: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  const copy: Json = Array.isArray(value) ? [...value] : { ...value };
  if (by === undefined && rest.length === 0) delete copy[key];
  else copy[key] = rest.length === 0 ? by : changed(copy[key], rest, by);
  return copy;
}

test('whatever stands in a request: an answer, or an error that says what is wrong', async () => {
  const answer = '<|channel|>final<|message|>{"city":"Oslo"}<|return|>';
  const server = await testServer({ model: scriptedModel(tokenizer, Array(100_000).fill(answer)) });
  const ask = async (body: string) => {
    const response = await server.app.request('/v1/chat/completions', { method: 'POST', body });
    return { status: response.status, text: await response.text() };
  };
  try {
    let answered = 0;
    const oneChange = fc.record({ place: places, by: fc.option(odd, { nil: undefined, freq: 8 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(oneChange, { maxLength: 3 }), async (changes) => {
        const body = changes.reduce((whole, { place, by }) => changed(whole, place, by), request);
        const { status, text } = await ask(JSON.stringify(body));
        if (status === 200 && body.stream === true) {
          readChatStream(text, { usage: body.stream_options?.include_usage === true, choices: body.n ?? 1 });
        } else if (status === 200) {
          assert.equal(JSON.parse(text).choices.length, body.n ?? 1);
          answered++;
        } else {
          assert.ok(status === 400 || status === 404, `${status} ${text} for ${JSON.stringify(changes)}`);
          assert.ok(JSON.parse(text).error.message.length > 10);
        }
      }),
      { numRuns: 1500 },
    );
    assert.ok(answered > 100, `${answered} were answered`);
  } finally {
    await server.close();
  }
});

test('schemas and histories nested without end are refused or answered, and harm nobody', async () => {
  const server = await testServer({
    model: scriptedModel(tokenizer, Array(20).fill('<|channel|>final<|message|>Yes.<|return|>')),
  });
  const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
  const messages = '[{"role":"user","content":"Hi"}]';
  const tool = (schema: string) => `[{"type":"function","function":{"name":"f","parameters":${schema}}}]`;
  const bodies = [
    `{"messages":${nested('[', ']', 100_000)}}`,
    `{"messages":${messages},"tools":${tool(`{"type":"object","properties":{"a":${nested('{"items":', '}', 20_000).replace('}', '{}}')}}}`)}}`,
    `{"messages":${messages},"tools":${tool(`{"enum":[${nested('[', ']', 20_000)}]}`)}}`,
    `{"messages":${messages},"metadata":${nested('{"a":', '}', 20_000).replace('}', '1}')}}`,
    `{"messages":${messages},"__proto__":{"n":5},"constructor":1}`,
  ];
  try {
    for (const body of bodies) {
      const response = await server.app.request('/v1/chat/completions', { method: 'POST', body });
      assert.ok(response.status === 200 || response.status === 400, `${response.status} for ${body.slice(0, 80)}`);
      await response.text();
    }
    assert.equal(server.host.leases, 0);
  } finally {
    await server.close();
  }
});
