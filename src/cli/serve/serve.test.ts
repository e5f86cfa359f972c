import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from './address.ts';
import { parseBytes, parseDuration, parseKeepAlive } from './durations.ts';

test('an address is a host, a port, both, or a URL', () => {
  for (const [text, hostname, port] of [
    ['0.0.0.0', '0.0.0.0', 6774],
    ['0.0.0.0:80', '0.0.0.0', 80],
    [':8080', '127.0.0.1', 8080],
    ['localhost:0', 'localhost', 0],
    ['[::1]:11434', '::1', 11434],
    ['[::]', '::', 6774],
    ['::1', '::1', 6774],
    ['fe80::1', 'fe80::1', 6774],
    ['http://box.example:9/', 'box.example', 9],
    [' box ', 'box', 6774],
  ] as const) {
    assert.deepEqual(parseAddress(text), { hostname, port }, text);
  }
  for (const text of ['', ' ', 'a b', 'host:port', 'host:65536', 'host/path', 'a@b', '[::1', 'http://', 'host:1:2']) {
    assert.throws(() => parseAddress(text), { code: 'cli/usage' }, text);
  }
});

test('durations and sizes are what they say', () => {
  for (const [text, ms] of [
    ['30', 30_000],
    ['1.5', 1500],
    ['250ms', 250],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['0', 0],
  ] as const) {
    assert.equal(parseDuration(text), ms, text);
  }
  for (const text of ['', 'soon', '5 parsecs', '1h x', '-5', '1e3']) assert.throws(() => parseDuration(text), text);
  for (const text of ['-1', '-1m', 'forever']) assert.equal(parseKeepAlive(text), Number.POSITIVE_INFINITY);
  assert.equal(parseKeepAlive('0'), 0);
  for (const [text, bytes] of [
    ['1000', 1000],
    ['32M', 33_554_432],
    ['12GiB', 12 * 2 ** 30],
    ['1.5k', 1536],
    ['2 gb', 2 ** 31],
  ] as const) {
    assert.equal(parseBytes(text), bytes, text);
  }
  for (const text of ['', 'M', '1X', '-1M']) assert.throws(() => parseBytes(text), text);
});
