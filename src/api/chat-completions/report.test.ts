import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageOf } from './report.ts';

const turn = { promptTokens: 10, cachedTokens: 4, outputTokens: 7, reasoningTokens: 3 };

test('a prompt counts once, and every answer', () => {
  assert.deepEqual(usageOf([turn, turn]), {
    prompt_tokens: 10,
    completion_tokens: 14,
    total_tokens: 24,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 6 },
  });
});

test('guessed tokens are told as accepted and rejected predictions, beside the completion', () => {
  const usage = usageOf([turn, { ...turn, speculation: { drafted: 9, accepted: 5 } }]);
  assert.equal(usage.completion_tokens, 14);
  assert.deepEqual(usage.completion_tokens_details, {
    reasoning_tokens: 6,
    accepted_prediction_tokens: 5,
    rejected_prediction_tokens: 4,
  });
});
