import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrefillPace } from './prefill-pace.ts';

const most = { alone: 1024, besideDecode: 256 };

test('pieces of prompts grow while steps are short, and shrink at once when they are not', () => {
  const pace = new PrefillPace(most);
  assert.deepEqual(pace.budget, { alone: 512, besideDecode: 32 });
  pace.took(512, 2300, false); // 1,024 would take longer than anybody should wait
  assert.equal(pace.budget.alone, 512);
  pace.took(512, 25_000, false); // a slow machine: 61 would fit
  assert.equal(pace.budget.alone, 32);
  for (const expected of [64, 128, 256, 512, 1024, 1024]) {
    pace.took(pace.budget.alone, 20, false);
    assert.equal(pace.budget.alone, expected);
  }
});

test('what others wait for is a length of its own', () => {
  const pace = new PrefillPace(most);
  pace.took(32, 680, true);
  pace.took(64, 780, true);
  pace.took(128, 930, true);
  assert.deepEqual(pace.budget, { alone: 512, besideDecode: 128 });
  pace.took(128, 2000, true); // other work on the machine
  assert.equal(pace.budget.besideDecode, 64);
});

test('a short piece says nothing of long ones', () => {
  const pace = new PrefillPace(most);
  pace.took(8, 1, false); // the end of a prompt
  pace.took(8, 5000, false); // the first step of all, for which files are read
  assert.equal(pace.budget.alone, 512);
});

test('who allows less gets less', () => {
  const pace = new PrefillPace({ alone: 10, besideDecode: 5 });
  pace.took(10, 1, false);
  pace.took(5, 1, true);
  assert.deepEqual(pace.budget, { alone: 10, besideDecode: 5 });
});
