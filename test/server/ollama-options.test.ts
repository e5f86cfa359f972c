import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ask,
  extras,
  type Json,
  model,
  refused,
  say,
  scripted,
  streamed,
  useServer,
  whole,
} from '../support/ollama-requests.ts';

useServer();

test('think: false has no thoughts, a level sets the effort, anything else is refused', async () => {
  const silent = await whole(ask('What can you do?', { think: false }));
  assert.equal(silent.thinking, '');
  assert.notEqual(silent.content, '');
  await scripted([say('1'), say('2'), say('3')], async (to, { engine, tokenizer }) => {
    for (const level of ['high', 'max', true]) await whole(ask('Hi', { think: level }), { to });
    const efforts = engine.requests.map(({ prompt }) => /Reasoning: (\w+)/.exec(tokenizer.decode(prompt))?.[1]);
    assert.deepEqual(efforts, ['high', 'high', 'medium']);
  });
  assert.match(await refused('chat', ask('Hi', { think: 'extreme' }), 400), /think: .*"low", "medium", "high"/);
});

test('format holds the answer to JSON, or to a schema', async () => {
  const schema = {
    type: 'object',
    properties: { n: { type: 'integer' } },
    required: ['n'],
    additionalProperties: false,
  };
  const held = await whole(ask('Give me a number.', { format: schema, options: { num_predict: 400 } }));
  assert.deepEqual(Object.keys(JSON.parse(held.content)), ['n']);
  const any = await streamed(ask('Say something.', { format: 'json', options: { num_predict: 400, temperature: 0 } }));
  if (any.last?.done_reason === 'stop') assert.equal(typeof JSON.parse(any.content), 'object');
  assert.match(await refused('chat', ask('Hi', { format: 'yaml' }), 400), /format: expected "json" or a JSON Schema/);
});

test('options reach the engine under their own names', async () => {
  await scripted([say('a'), say('b')], async (to, { engine }) => {
    const options = {
      ...{ temperature: 0.5, top_p: 0.9, top_k: 40, min_p: 0.05, seed: 42, num_predict: 7, repeat_penalty: 1.1 },
      ...{ presence_penalty: 0.5, frequency_penalty: -0.5, num_gpu: 99, num_thread: 4, mirostat: 0, typical_p: 1 },
    };
    await whole(ask('Hi', { options }), { to });
    await whole(ask('Hi', { options: { num_predict: -1, seed: -1, top_k: -1, repeat_penalty: 2, repeat_last_n: 0 } }), {
      to,
    });
    const [first, second] = engine.requests.map(({ params }) => params);
    assert.deepEqual(
      [first?.temperature, first?.topP, first?.topK, first?.minP, first?.seed, first?.maxTokens],
      [0.5, 0.9, 40, 0.05, 42, 7],
    );
    assert.deepEqual([first?.repetitionPenalty, first?.presencePenalty, first?.frequencyPenalty], [1.1, 0.5, -0.5]);
    assert.deepEqual(
      [second?.maxTokens, second?.seed, second?.topK, second?.repetitionPenalty],
      [undefined, undefined, 0, undefined],
    );
  });
});

test('max_reasoning_tokens and reserve leave room for the answer', async () => {
  const short = await whole(ask('What can you do?', { options: { temperature: 0, max_reasoning_tokens: 2 } }));
  assert.ok(Number(extras(short).thinking_tokens) < 8);
  assert.equal(extras(short).thinking_cut, 'budget');
  const asked = (options: Json) =>
    whole(ask('What can you do?', { options: { temperature: 0, num_predict: 14, ...options } }));
  assert.notEqual((await asked({})).content, '', 'half of a low limit is for the answer');
  assert.equal((await asked({ reserve: 0 })).content, '');
});

test('num_predict cuts and says so, stop ends before the text', async () => {
  assert.equal((await streamed(ask('What can you do?', { options: { num_predict: 5 } }))).last?.done_reason, 'length');
  const stopped = await streamed(ask('What can you do?', { options: { stop: ['gpt'], temperature: 0 } }));
  assert.equal(stopped.last?.done_reason, 'stop');
  assert.ok(stopped.content.length > 0 && !stopped.content.includes('gpt'));
});

test('logprobs are those of what is said, with alternatives when asked', async () => {
  const request = ask('What can you do?', { logprobs: true, top_logprobs: 2, options: { temperature: 0 } });
  for (const answer of [await streamed(request), await whole(request)]) {
    assert.equal(answer.logprobs.map(({ token }) => token).join(''), answer.thinking + answer.content);
    for (const { logprob, ...token } of answer.logprobs) {
      const { top_logprobs: top } = token as unknown as { top_logprobs: { token: string; bytes: number[] }[] };
      assert.ok(logprob <= 0 && top.length === 2);
      assert.equal(Buffer.from(top[0]!.bytes).toString(), top[0]!.token);
    }
  }
  assert.deepEqual((await whole(ask('Hi'))).logprobs, []);
  assert.match(await refused('chat', ask('Hi', { logprobs: true, top_logprobs: 21 }), 400), /top_logprobs/);
});

test('a context that is asked for and not there is refused with the numbers, unless turns may be left out', async () => {
  const error = await refused('chat', ask('Hi', { options: { num_ctx: 131_072 } }), 400);
  assert.match(error, /131072 tokens.*loaded with 4096/);
  await whole(ask('Hi', { options: { num_ctx: 131_072 }, truncate: true }));
  await whole(ask('Hi', { options: { num_ctx: 2048 } }));
});

test('a history that does not fit is never cut in silence', async () => {
  const long = { role: 'user', content: 'word '.repeat(5000) };
  const messages = [long, { role: 'assistant', content: 'Yes.' }, { role: 'user', content: 'Hi' }];
  assert.match(await refused('chat', { model, messages }, 400), /\d{4} tokens.*context holds 4096/);
  const cut = await whole({ model, messages, truncate: true, options: { num_predict: 20 } });
  const { truncated } = extras(cut) as { truncated: { messages: number; tokens: number } };
  assert.equal(truncated.messages, 2);
  assert.ok(truncated.tokens > 5000);
});
