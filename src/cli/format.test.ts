import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, count, duration, grouped, table } from './format.ts';

test('sizes are written with the unit that leaves one to four digits', () => {
  assert.equal(bytes(0), '0 B');
  assert.equal(bytes(1023), '1023 B');
  assert.equal(bytes(1536), '1.5 KiB');
  assert.equal(bytes(13_761_264_768), '12.8 GiB');
  assert.equal(bytes(700 * 2 ** 20), '700 MiB');
});

test('durations and counts are rounded to what people read', () => {
  assert.equal(duration(4.2), '4s');
  assert.equal(duration(62), '1m 02s');
  assert.equal(duration(3727), '1h 02m');
  assert.equal(duration(Number.POSITIVE_INFINITY), '?');
  assert.equal(count(20_914_757_184), '20.9B');
  assert.equal(grouped(131_072), '131,072');
});

test('table columns are as wide as their widest cell, and some lie to the right', () => {
  assert.deepEqual(
    table(
      [
        ['a', '5', 'x'],
        ['bcd', '12345', ''],
      ],
      [1],
    ),
    ['a        5  x', 'bcd  12345'],
  );
});
