import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validate } from '../validate.ts';
import { toOptions } from './options.ts';
import { chatCompletionRequest } from './schema.ts';

const messages = [{ role: 'user', content: 'Hi' }];

/** The options of a request, without what is the same for all. */
function optionsOf(request: object): object {
  const { reserve, ...options } = toOptions(validate(chatCompletionRequest, { messages, ...request }));
  return reserve === 256 ? options : { ...options, reserve };
}

test('a request that says nothing leaves everything open', () => {
  assert.deepEqual(optionsOf({}), {});
  const nothing = [
    'temperature',
    'top_p',
    'seed',
    'stop',
    'tools',
    'tool_choice',
    'response_format',
    'reasoning_effort',
  ];
  assert.deepEqual(optionsOf(Object.fromEntries(nothing.map((name) => [name, null]))), {});
  assert.deepEqual(
    optionsOf({ tools: [], functions: [], stop: [], tool_choice: 'auto', response_format: { type: 'text' } }),
    {},
  );
});

test('every parameter of sampling reaches the turn', () => {
  const request = {
    temperature: 0.5,
    top_p: 0.9,
    top_k: 40,
    min_p: 0.1,
    repetition_penalty: 1.1,
    presence_penalty: -1,
    frequency_penalty: 1,
    seed: 7,
    logit_bias: { 5: -100 },
    stop: 'x',
    max_tokens: 1000,
    logprobs: true,
    top_logprobs: 4,
    ignore_eos: true,
    truncation: 'auto',
    reserve: 100,
  };
  assert.deepEqual(optionsOf(request), {
    temperature: 0.5,
    topP: 0.9,
    topK: 40,
    minP: 0.1,
    repetitionPenalty: 1.1,
    presencePenalty: -1,
    frequencyPenalty: 1,
    seed: 7,
    logitBias: { 5: -100 },
    stop: ['x'],
    maxTokens: 1000,
    topLogprobs: 4,
    ignoreEnd: true,
    truncation: 'auto',
    reserve: 100,
  });
});

test('a low limit keeps half of itself for the answer, unless the request says otherwise', () => {
  assert.deepEqual(optionsOf({ max_completion_tokens: 21, max_tokens: 5000 }), { maxTokens: 21, reserve: 10 });
  assert.deepEqual(optionsOf({ max_tokens: 21, reserve: 0 }), { maxTokens: 21, reserve: 0 });
  assert.deepEqual(optionsOf({ max_tokens: 5000 }), { maxTokens: 5000 });
});

test('seeds of any size and sign are seeds, and −1 keeps all tokens', () => {
  for (const [seed, expected] of [
    [0, 0],
    [-1, 2 ** 53 - 1],
    [2 ** 53, 0],
    [2 ** 60 + 2 ** 20, 2 ** 20],
  ]) {
    assert.deepEqual(optionsOf({ seed }), { seed: expected });
  }
  assert.deepEqual(optionsOf({ top_k: -1 }), { topK: 0 });
});

test('every effort is one of the three, and none is no thought', () => {
  const efforts = { minimal: 'low', low: 'low', medium: 'medium', high: 'high', xhigh: 'high', max: 'high' };
  for (const [asked, effort] of Object.entries(efforts)) {
    assert.deepEqual(optionsOf({ reasoning_effort: asked }), { effort });
    assert.deepEqual(optionsOf({ chat_template_kwargs: { reasoning_effort: asked } }), { effort });
    assert.deepEqual(optionsOf({ reasoning: { effort: asked, max_tokens: 9 } }), { effort, maxReasoningTokens: 9 });
  }
  const none = { effort: 'low', maxReasoningTokens: 0 };
  assert.deepEqual(optionsOf({ reasoning_effort: 'none', max_reasoning_tokens: 5 }), none);
  assert.deepEqual(optionsOf({ chat_template_kwargs: { enable_thinking: false } }), none);
  assert.deepEqual(optionsOf({ reasoning: { enabled: false } }), none);
  assert.deepEqual(optionsOf({ chat_template_kwargs: { enable_thinking: true }, max_reasoning_tokens: 5 }), {
    maxReasoningTokens: 5,
  });
});

test('tools: only strict true is strict; a custom tool takes a text', () => {
  const parameters = { type: 'object', properties: {} };
  const tools = [
    { type: 'function', function: { name: 'a', description: 'A.', parameters, strict: true } },
    { type: 'function', function: { name: 'b', parameters: null, strict: false } },
    { type: 'custom', custom: { name: 'c', description: 'C.' } },
    {
      type: 'custom',
      custom: { name: 'd', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "x"' } } },
    },
  ];
  assert.deepEqual(optionsOf({ tools, tool_choice: { type: 'custom', custom: { name: 'c' } } }), {
    tools: [
      { name: 'a', description: 'A.', parameters, strict: true },
      { name: 'b' },
      { name: 'c', description: 'C.', parameters: { type: 'string' } },
      { name: 'd', description: 'The input follows this lark grammar:\nstart: "x"', parameters: { type: 'string' } },
    ],
    toolChoice: { name: 'c' },
  });
});

test('allowed tools are the only ones; the functions of old are tools', () => {
  const tool = (name: string) => ({ type: 'function', function: { name } });
  const allowed = { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [tool('b')] } };
  assert.deepEqual(optionsOf({ tools: [tool('a'), tool('b')], tool_choice: allowed }), {
    tools: [{ name: 'b' }],
    toolChoice: 'auto',
  });
  assert.deepEqual(optionsOf({ functions: [{ name: 'a' }], function_call: { name: 'a' }, tool_choice: 'none' }), {
    tools: [{ name: 'a' }],
    toolChoice: { name: 'a' },
  });
});

test('the form of the answer', () => {
  assert.deepEqual(optionsOf({ response_format: { type: 'json_object' } }), { responseFormat: 'json_object' });
  const schema = { type: 'object', properties: { a: { type: 'string' } } };
  const format = { type: 'json_schema', json_schema: { name: 'x', description: 'X.', schema, strict: false } };
  assert.deepEqual(optionsOf({ response_format: format }), {
    responseFormat: { name: 'x', description: 'X.', schema, strict: false },
  });
  assert.deepEqual(optionsOf({ response_format: { type: 'json_schema', json_schema: { name: 'x' } } }), {
    responseFormat: { name: 'x', schema: { type: 'object' } },
  });
});
