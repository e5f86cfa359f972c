import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OssiaError } from '../base/index.ts';
import { o200kHarmony } from '../tokenizer/index.ts';
import { fitContext } from './context.ts';
import { type ScriptOptions, scriptedModel } from './testing.ts';
import type { ChatEnd, ChatMessage, ChatOptions } from './types.ts';

const tokenizer = o200kHarmony();
const options = { date: null } as const;
const words = (count: number) => 'word '.repeat(count).trim();
const user = (content: string): ChatMessage => ({ role: 'user', content });
const answer = (content: string): ChatMessage => ({ role: 'assistant', content });

const model = (settings: ScriptOptions = {}) =>
  scriptedModel(tokenizer, ['<|channel|>final<|message|>Yes.<|return|>'], settings);

/** A history, cut to a context of so many tokens. */
function fit(history: readonly ChatMessage[], contextLength: number, more: ChatOptions = {}) {
  const scripted = model({ contextLength });
  const { prompt, truncated } = fitContext(history, { ...options, truncation: 'auto', ...more }, scripted);
  return { prompt, truncated, text: tokenizer.decode(prompt) };
}

const count = (history: readonly ChatMessage[]) => model().countTokens(history, options);

test('a prompt that fills the context is refused with its numbers, and nothing is sent', async () => {
  const history = [user(words(300))];
  const promptTokens = count(history);
  const full = model({ contextLength: promptTokens });
  await assert.rejects(full.chat(history, { ...options, maxTokens: 7 }).next(), (error: OssiaError) => {
    assert.equal(error.code, 'chat/context-exceeded');
    assert.deepEqual(error.details, { promptTokens, maxTokens: 7, contextLength: promptTokens });
    assert.match(error.message, new RegExp(`${promptTokens} tokens.*at most 7.*holds ${promptTokens}`));
    return true;
  });
  assert.equal(full.engine.requests.length, 0);
  const oneMore = model({ contextLength: promptTokens + 1 });
  for await (const event of oneMore.chat(history, { ...options, maxTokens: 1_000_000 })) {
    if (event.type === 'end') assert.equal(event.reason, 'length');
  }
  assert.equal(oneMore.engine.requests.length, 1);
});

const turns = [
  user(`one ${words(100)}`),
  answer('A1'),
  user(`two ${words(100)}`),
  answer('A2'),
  user(`three ${words(100)}`),
];

test('the fewest oldest turns are left out, whole, and the end says how much that was', async () => {
  const whole = count(turns);
  assert.deepEqual(fit(turns, whole + 20, { maxTokens: 20 }).truncated, undefined);
  const one = fit(turns, whole + 19, { maxTokens: 20 });
  assert.deepEqual(one.truncated, { messages: 2, tokens: whole - one.prompt.length });
  assert.ok(!one.text.includes('one word') && !one.text.includes('A1') && one.text.includes('two word'));
  const two = fit(turns, one.prompt.length + 19, { maxTokens: 20 });
  assert.equal(two.truncated?.messages, 4);
  assert.ok(two.text.includes('three word') && !two.text.includes('A2'));
  const scripted = model({ contextLength: whole });
  let end: ChatEnd | undefined;
  for await (const event of scripted.chat(turns, { ...options, truncation: 'auto' }))
    if (event.type === 'end') end = event;
  assert.ok(end?.truncated !== undefined);
  assert.equal(scripted.engine.requests[0]?.prompt.length, whole - end.truncated.tokens);
});

test('instructions and the last turn stay, whatever that leaves for the answer', () => {
  const history: ChatMessage[] = [
    { role: 'system', content: 'Speak as a pirate.' },
    ...turns,
    { role: 'developer', content: 'Be brief.' },
    answer('So far'),
  ];
  const least = count([history[0]!, ...history.slice(5)]);
  const { truncated, text, prompt } = fit(history, least + 1);
  assert.deepEqual([truncated?.messages, prompt.length], [4, least]);
  for (const kept of ['pirate', 'Be brief', 'three word', 'So far']) assert.ok(text.includes(kept), kept);
  assert.throws(() => fit(history, least), { code: 'chat/context-exceeded' });
});

test('a call and its result stay together or go together', () => {
  const call = { id: 'c1', name: 'f', arguments: '{}' };
  const history: ChatMessage[] = [
    user(`one ${words(100)}`),
    answer('A1'),
    user(`two ${words(100)}`),
    { role: 'assistant', toolCalls: [call] },
    user(`three ${words(100)}`),
    { role: 'tool', toolCallId: 'c1', content: 'late result' },
    user('four'),
  ];
  for (let contextLength = count(history) + 1; contextLength > count([user('four')]); contextLength -= 5) {
    const { text, truncated } = fit(history, contextLength, { maxTokens: 1 });
    assert.equal(text.includes('to=functions.f'), text.includes('late result'));
    assert.ok([undefined, 2, 6].includes(truncated?.messages), `${truncated?.messages}`);
  }
});

test('a greeting before the first message of the user goes with the oldest turns', () => {
  const history = [answer(words(50)), user('one'), answer('A1'), user('two')];
  const { truncated, text } = fit(history, count(history), { maxTokens: 1 });
  assert.equal(truncated?.messages, 1);
  assert.ok(text.includes('one') && !text.includes('word'));
});

test('room for the answer is at most a quarter of the context', () => {
  const history = [user(words(50)), answer('A'), user('two')];
  const prompt = count(history);
  assert.equal(fit(history, prompt * 2).truncated, undefined);
  assert.equal(fit(history, Math.ceil(prompt / 0.75) + 1, { maxTokens: 100_000 }).truncated, undefined);
  assert.notEqual(fit(history, Math.floor(prompt / 0.75) - 4, { maxTokens: 100_000 }).truncated, undefined);
});

test('what is no way to truncate is refused', () => {
  const wrong = { truncation: 'middle' } as unknown as ChatOptions;
  assert.throws(() => fit(turns, 4096, wrong), { code: 'harmony/bad-conversation', message: /truncation.*middle/ });
});
