import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noRoom, tooLarge } from './refusals.ts';

test('what a model needs is said in a unit in which it can be read', () => {
  assert.match(
    tooLarge('big', 16.5 * 2 ** 30, 2 ** 30).message,
    /needs 16\.5 GiB of memory, and models may take 1\.0 GiB/,
  );
  assert.match(
    tooLarge('small', 170 * 2 ** 20, 2 ** 20).message,
    /needs 170\.0 MiB of memory, and models may take 1\.0 MiB/,
  );
  assert.match(
    noRoom('small', 170 * 2 ** 20, ['big'], 2 ** 34).message,
    /needs 170\.0 MiB of memory, and 16\.0 GiB are taken/,
  );
});
