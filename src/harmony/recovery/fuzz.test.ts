import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '../../../bench/fuzz/harmony.ts';

test('of 5000 random turns none throws, loses a word or streams what its messages do not say', async () => {
  const [report] = await fuzz({ count: 5000, seed: 11 });
  assert.deepEqual(report?.failures, []);
});
