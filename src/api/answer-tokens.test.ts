import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatEvent } from '../chat/index.ts';
import { o200kHarmony } from '../tokenizer/index.ts';
import { AnswerTokens } from './answer-tokens.ts';

const tokenizer = o200kHarmony();

const token = (text: string): ChatEvent => ({ type: 'token', id: tokenizer.encodeWithSpecials(text)[0]!, logprob: -1 });
const header = ['<|channel|>', 'final', '<|message|>'].map(token);
const text = (delta: string): ChatEvent => ({ type: 'text', delta, channel: 'final' });

/** The tokens that each event makes known. */
function reported(events: readonly ChatEvent[]): string[] {
  const tokens = new AnswerTokens(tokenizer);
  return events.map((event) =>
    tokens
      .push(event)
      .map((found) => found.token)
      .join('|'),
  );
}

test('a text has the tokens that came since the header', () => {
  assert.deepEqual(reported([...header, token('Hello'), text('Hello'), token(' you'), text(' you')]).slice(-4), [
    '',
    'Hello',
    '',
    ' you',
  ]);
});

test('a text that was held back has all its tokens, the end of the message between or not', () => {
  const events = [...header, token('Hello'), token(' you'), text('Hello you')];
  assert.equal(reported(events).at(-1), 'Hello| you');
  const atEnd = [...header, token('Hello'), token(' you'), token('<|return|>'), text('Hello you')];
  assert.equal(reported(atEnd).at(-1), 'Hello| you');
});

test('a text that ends inside a token takes it whole, and the next text none of it again', () => {
  const events = [...header, token('Hello'), text('Hel'), token(' you'), text('lo you'), token(' all'), text(' all')];
  const found = reported(events);
  assert.deepEqual([found[4], found[6], found[8]], ['Hello', ' you', ' all']);
});

test('tokens of thoughts and calls are no part of the answer', () => {
  const thought = [token('analysis'), token('Hm'), { type: 'reasoning', delta: 'Hm' } as const];
  assert.equal(reported([...thought, token('a'), text('a')]).at(-1), 'a');
  const call = { type: 'tool_call_delta', id: 'c', name: 'f', delta: '{' } as const;
  assert.equal(reported([token('{'), call, token('b'), text('b')]).at(-1), 'b');
});

test('a character that was cut for good does not reach back into the header', () => {
  const [half] = tokenizer.encode('🦄');
  const events: ChatEvent[] = [...header, { type: 'token', id: half!, logprob: -1 }, text('\uFFFD\uFFFD')];
  const tokens = new AnswerTokens(tokenizer);
  const found = events.flatMap((event) => tokens.push(event));
  assert.deepEqual(
    found.map(({ bytes }) => bytes),
    [[...tokenizer.tokenBytes(half!)]],
  );
});

test('alternatives are reported, but for control tokens; what cannot come has −9999', () => {
  const [yes, no] = [tokenizer.encode('yes')[0]!, tokenizer.encode('no')[0]!];
  const top = [
    { id: yes, logprob: -0.1 },
    { id: tokenizer.specials.get('<|return|>')!, logprob: -2 },
    { id: no, logprob: Number.NEGATIVE_INFINITY },
  ];
  const tokens = new AnswerTokens(tokenizer);
  tokens.push({ type: 'token', id: yes, logprob: -0.1, top });
  const [found] = tokens.push(text('yes'));
  assert.deepEqual(
    found!.top_logprobs.map((one) => [one.token, one.logprob]),
    [
      ['yes', -0.1],
      ['no', -9999],
    ],
  );
});
