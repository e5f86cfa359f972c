import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { o200kHarmony } from '../tokenizer/index.ts';
import {
  answerMessage,
  developerMessage,
  functionCallMessage,
  functionResultMessage,
  systemMessage,
  userMessage,
} from './builders.ts';
import { render, renderText } from './render.ts';

const tokenizer = o200kHarmony();
const path = new URL('../../test/golden/harmony/render.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: { id: string; expected: { tokens: number[] } }[] };
const goldenTokens = (id: string) => cases.find((item) => item.id === id)!.expected.tokens;

test('the system message with browser and date is the official one', () => {
  const message = systemMessage({ builtins: ['browser'], date: '2026-02-10' });
  assert.deepEqual(render({ messages: [message] }, tokenizer), goldenTokens('system-browser'));
});

test('the system message with python is the official one', () => {
  assert.deepEqual(
    render({ messages: [systemMessage({ builtins: ['python'] })] }, tokenizer),
    goldenTokens('system-python'),
  );
});

test('a response format follows the instructions as a section of its own', () => {
  const schema = {
    type: 'object',
    properties: { boats: { type: 'array', items: { type: 'string' } } },
    required: ['boats'],
  };
  const message = developerMessage({ instructions: 'List boats.', responseFormat: { name: 'boat_list', schema } });
  const messages = [message!, userMessage('go')];
  assert.deepEqual(render({ messages }, tokenizer), goldenTokens('developer-response-format'));
});

test('a developer message without anything to say is none, and empty instructions are nothing', () => {
  assert.equal(developerMessage({ instructions: '' }), undefined);
  assert.equal(developerMessage(), undefined);
});

test('a past call is rendered channel first for models and recipient first officially', () => {
  const messages = [functionCallMessage('get_tide', '{"port":"Brest"}'), functionResultMessage('get_tide', '4 m')];
  const result = '<|start|>functions.get_tide to=assistant<|channel|>commentary<|message|>4 m<|end|>';
  const tail = ' <|constrain|>json<|message|>{"port":"Brest"}<|call|>';
  assert.equal(
    renderText({ messages }, tokenizer, { mode: 'conversation' }),
    `<|start|>assistant<|channel|>commentary to=functions.get_tide${tail}${result}`,
  );
  assert.equal(
    renderText({ messages }, tokenizer, { mode: 'conversation', callOrder: 'official' }),
    `<|start|>assistant to=functions.get_tide<|channel|>commentary${tail}${result}`,
  );
});

test('sampled ids are rendered as they are, with <|end|> for <|return|> and a stop where there was none', () => {
  const options = { mode: 'conversation' } as const;
  const text = (sampled: string) =>
    renderText(
      { messages: [{ ...answerMessage('ignored'), sampled: tokenizer.encodeWithSpecials(sampled) }] },
      tokenizer,
      options,
    );
  assert.equal(
    text('<|channel|>final<|message|>light house<|return|>'),
    '<|start|>assistant<|channel|>final<|message|>light house<|end|>',
  );
  assert.equal(
    text('<|start|>assistant<|channel|>final<|message|>light'),
    '<|start|>assistant<|channel|>final<|message|>light<|end|>',
  );
  assert.equal(
    text('<|channel|>commentary to=functions.f<|message|>{}<|call|>'),
    '<|start|>assistant<|channel|>commentary to=functions.f<|message|>{}<|call|>',
  );
  // Tokens that nobody's encoder would choose come through: l + ight.
  const odd = [...tokenizer.encode('l'), ...tokenizer.encode('ight')];
  const ids = render({ messages: [{ ...answerMessage('light'), sampled: odd }] }, tokenizer, options);
  assert.deepEqual(ids.slice(2, 2 + odd.length), odd);
});
