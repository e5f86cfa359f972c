import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '../../bench/fuzz/checkpoint.ts';

test('3,000 damaged headers of each format bring out only our own errors', async () => {
  const reports = await fuzz({ count: 3_000, seed: 7 });
  assert.equal(reports.length, 4);
  for (const { name, outcomes, failures } of reports) {
    assert.deepEqual(failures, [], name);
    assert.ok((outcomes.get('opened') ?? 0) > 100, `${name}: the damage is so heavy that nothing opens`);
    assert.ok((outcomes.get('opened') ?? 0) < 2_900, `${name}: the damage is so light that all opens`);
  }
});
