import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countAllowed, gatherAllowed } from './masking.ts';

test('allowed tokens are counted, and gathered in order with their ids', () => {
  const mask = Uint32Array.of(0x80000001, 0, 0b110, 0xffffffff);
  assert.equal(countAllowed(mask), 36);
  const logits = Float32Array.from({ length: 98 }, (_, id) => id / 2);
  const ids = new Int32Array(98);
  const count = gatherAllowed(logits, mask, ids);
  assert.deepEqual([...ids.subarray(0, count)], [0, 31, 65, 66, 96, 97]);
  assert.deepEqual([...logits.subarray(0, count)], [0, 15.5, 32.5, 33, 48, 48.5]);
});
