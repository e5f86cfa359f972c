import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrefillPace } from './prefill-pace.ts';

test('steps of prompts are as long as three seconds allow, and no longer than they may be', () => {
  const pace = new PrefillPace(1024);
  assert.equal(pace.tokens, 512);
  pace.took(512, 2300); // 223 a second: 668 would fit
  assert.equal(pace.tokens, 512);
  pace.took(512, 25_000); // a slow machine: 61 would fit
  assert.equal(pace.tokens, 64);
  pace.took(64, 64);
  assert.equal(pace.tokens, 1024);
  pace.took(1024, 0);
  assert.equal(pace.tokens, 1024);
});

test('short steps, which read the weights for little, teach nothing', () => {
  const pace = new PrefillPace(1024);
  pace.took(8, 5000);
  assert.equal(pace.tokens, 512);
});

test('who allows less gets less', () => {
  const pace = new PrefillPace(10);
  assert.equal(pace.tokens, 10);
  pace.took(100, 1);
  assert.equal(pace.tokens, 10);
});
