import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OssiaError, problems } from './errors.ts';

test('an error carries its code, status and next step', () => {
  const error = new OssiaError('checkpoint/truncated', 'Cannot read "x"', { details: { sizeBytes: 3 } });
  assert.equal(error.status, problems['checkpoint/truncated'].status);
  assert.equal(error.next, problems['checkpoint/truncated'].next);
  assert.deepEqual(error.details, { sizeBytes: 3 });
});

test('every next step is a sentence without a final period, and every code has a folder', () => {
  for (const [code, { next, status }] of Object.entries(problems)) {
    assert.match(code, /^[a-z]+\/[a-z0-9-]+$/);
    assert.match(next, /^[A-Z].*[^.]$/, code);
    assert.ok(status >= 400 && status < 600, code);
  }
});
