import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepAliveMs, nanoseconds, timestamp } from './time.ts';

test('keep_alive is seconds, or a duration as Go writes it', () => {
  const cases: readonly (readonly [number | string, number])[] = [
    [300, 300_000],
    ['300', 300_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    [0, 0],
    ['0', 0],
    ['0s', 0],
    ['-0s', 0],
    [-1, Number.POSITIVE_INFINITY],
    ['-1', Number.POSITIVE_INFINITY],
    ['-5m', Number.POSITIVE_INFINITY],
  ];
  for (const [value, ms] of cases) assert.equal(keepAliveMs(value), ms, String(value));
  for (const wrong of ['', 'forever', 'm5', '5x', '5m!', '1h 30m', 'NaN', Number.NaN]) {
    assert.throws(() => keepAliveMs(wrong), { code: 'api/bad-request', message: /keep_alive/ });
  }
});

test('a hostile keep_alive takes no time to refuse', () => {
  const started = performance.now();
  assert.throws(() => keepAliveMs(`${'1'.repeat(100_000)}x`), { code: 'api/bad-request' });
  assert.ok(performance.now() - started < 5000);
});

test('times are RFC 3339 in microseconds, durations whole nanoseconds', () => {
  const before = Date.now();
  const now = timestamp();
  assert.match(now, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.ok(Math.abs(new Date(now).getTime() - before) < 60_000);
  assert.equal(nanoseconds(1.5), 1_500_000);
  assert.equal(nanoseconds(0.1234567), 123_457);
});
