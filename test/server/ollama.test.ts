import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ask,
  call,
  type Json,
  model,
  post,
  say,
  scripted,
  streamed,
  think,
  useServer,
  weather,
  whole,
} from '../support/ollama-requests.ts';

useServer();

test('chat streams thoughts, then the answer, then a line that is done', async () => {
  const { thinking, content, last, count } = await streamed(ask('What can you do?', { options: { seed: 3 } }));
  assert.match(thinking, /what I can do/);
  assert.match(content, /^I can .*gpt-oss/);
  assert.ok(count > 10);
  assert.equal(last?.done_reason, 'stop');
  assert.ok(Number(last?.prompt_eval_count) > 50 && Number(last?.eval_count) > 20);
});

test('chat in one piece says the same', async () => {
  const request = ask('What can you do?', { options: { temperature: 0 } });
  const [pieces, one] = [await streamed(request), await whole(request)];
  assert.deepEqual([one.content, one.thinking, one.count], [pieces.content, pieces.thinking, 0]);
  assert.equal(one.last?.eval_count, pieces.last?.eval_count);
});

test('a call comes whole, with its arguments as an object', async () => {
  const request = ask('What is the weather in Paris?', { tools: [weather] });
  for (const answer of [await streamed(request), await whole(request)]) {
    assert.deepEqual(
      answer.calls.map(({ name, arguments: args }) => [name, args]),
      [['get_weather', { city: 'Paris' }]],
    );
    assert.equal(answer.last?.done_reason, 'stop');
    assert.equal(answer.content, '');
  }
});

test('what Go has not set and sends as null is as if it were not there', async () => {
  const parameters = {
    type: 'object',
    required: null,
    properties: { city: { type: 'string', enum: null, items: null } },
  };
  const tools = [{ type: 'function', function: { name: 'get_weather', description: '', parameters } }];
  const unset = { images: null, tool_calls: null, thinking: null, tool_name: null };
  const messages = [{ role: 'User', content: 'What is the weather in Paris?', ...unset }];
  const nothing = { think: null, format: null, keep_alive: null, truncate: null, template: null, logprobs: null };
  const answer = await whole({ model, messages, tools, options: null, ...nothing });
  assert.deepEqual(answer.calls[0]?.name, 'get_weather');
  assert.notEqual((await whole({ ...ask('Hi'), tools: null })).content, '');
});

test('a call that comes back without its id and thoughts finds both again, unless the conversation is another', async () => {
  const made = think('Paris it is.') + call('get_weather', '{"city": "Paris"}');
  await scripted([made, say('Sunny.'), say('Sunny.')], async (to, { engine, tokenizer }) => {
    const question = { role: 'user', content: 'Weather in Paris?' };
    const first = await streamed({ model, messages: [question], tools: [weather] }, { to });
    const calls = first.calls.map(({ name, arguments: args }) => ({ function: { name, arguments: args } }));
    const back = [
      { role: 'assistant', content: '', tool_calls: calls },
      { role: 'tool', content: 'sunny' },
    ];
    await whole({ model, messages: [question, ...back], tools: [weather] }, { to });
    await whole({ model, messages: [{ role: 'user', content: 'And today?' }, ...back], tools: [weather] }, { to });
    const [, second, other] = engine.requests.map(({ prompt }) => tokenizer.decode(prompt));
    assert.match(second ?? '', /analysis<\|message\|>Paris it is\..*\{"city": "Paris"\}<\|call\|>.*sunny/s);
    assert.doesNotMatch(other ?? '', /Paris it is/);
    assert.match(other ?? '', /\{"city":"Paris"\}<\|call\|>.*sunny/s);
  });
});

test('numbers in arguments keep all their digits', async () => {
  await scripted([call('get_weather', '{"city": 12345678901234567890}')], async (to) => {
    const { text } = await post('chat', { ...ask('Weather?', { tools: [weather] }), stream: false }, to);
    assert.match(text, /"arguments":\{"city":12345678901234567890\}/);
  });
});

test('two calls at a time get their results by name, by order, or by id', async () => {
  const ran = async (results: readonly Json[]) => {
    const question = { role: 'user', content: 'Weather and time?' };
    const tool_calls = ['weather', 'time'].map((name) => ({ function: { name, arguments: {} } }));
    let prompt = '';
    await scripted([say('ok')], async (to, { engine, tokenizer }) => {
      await whole({ model, messages: [question, { role: 'assistant', tool_calls }, ...results] }, { to });
      prompt = tokenizer.decode(engine.requests[0]!.prompt);
    });
    return [...prompt.matchAll(/functions\.(\w+) to=assistant.*?<\|message\|>(\w+)/g)].map(([, name, text]) => [
      name,
      text,
    ]);
  };
  const tool = (content: string, more: Json = {}) => ({ role: 'tool', content, ...more });
  assert.deepEqual(await ran([tool('sunny'), tool('noon')]), [
    ['weather', 'sunny'],
    ['time', 'noon'],
  ]);
  const byName = [tool('noon', { tool_name: 'time' }), tool('sunny', { name: 'weather' })];
  assert.deepEqual(await ran(byName), [
    ['time', 'noon'],
    ['weather', 'sunny'],
  ]);
  assert.deepEqual(await ran([tool('sunny', { tool_call_id: 'whatever' }), tool('noon')]), [
    ['weather', 'sunny'],
    ['time', 'noon'],
  ]);
});
