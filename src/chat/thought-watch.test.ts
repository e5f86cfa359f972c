import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecoveredMessage } from '../harmony/index.ts';
import { o200kHarmony } from '../tokenizer/index.ts';
import { type ThoughtLimits, ThoughtWatch } from './thought-watch.ts';

const tokenizer = o200kHarmony();

function cutOf(
  text: string,
  wasForced: boolean,
  limits: ThoughtLimits = {},
  signal?: AbortSignal,
  end = '<|end|>',
): unknown {
  const watch = new ThoughtWatch(tokenizer, limits, signal);
  const sampled = tokenizer.encodeWithSpecials(`<|channel|>analysis<|message|>${text}${end}`);
  const message: RecoveredMessage = {
    role: 'assistant',
    channel: 'analysis',
    surface: 'reasoning',
    content: text,
    sampled,
  };
  watch.end(message, wasForced);
  return watch.cut;
}

/** As many rounds as it takes for the detector, and no token more. */
const circles = tokenizer.decode(tokenizer.encode('Wait. '.repeat(400)).slice(0, 272));

test('a thought that the model ended was not cut, be it as long as it may', () => {
  assert.equal(cutOf('Hm', false), undefined);
  assert.equal(cutOf('Hm', false, { maxReasoningTokens: 1 }, AbortSignal.abort()), undefined);
});

test('a thought was cut by its budget, by a loop or by the signal', () => {
  const numTokens = tokenizer.encode('One two three').length;
  assert.equal(cutOf('One two three', true, { maxReasoningTokens: numTokens }), 'budget');
  assert.equal(cutOf('One two three', true, { maxReasoningTokens: numTokens }, AbortSignal.abort()), 'budget');
  assert.equal(cutOf('One two three', true, { maxReasoningTokens: numTokens + 1 }, AbortSignal.abort()), 'answer_now');
  assert.equal(cutOf('One two three', true, {}, AbortSignal.abort()), 'answer_now');
  assert.equal(cutOf('One two three', true), 'budget'); // what was left is kept for the answer
  assert.equal(cutOf(circles, true), 'loop');
  assert.equal(cutOf(circles, true, { loopDetection: false }), 'budget');
  assert.equal(cutOf(`${circles} Oh`, true, {}, AbortSignal.abort()), 'answer_now');
});

test('a turn that is cut right behind a header cuts no thought', () => {
  assert.equal(cutOf('', true, {}, AbortSignal.abort(), ''), undefined);
});
