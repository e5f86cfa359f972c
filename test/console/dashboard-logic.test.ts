import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bits,
  bytes,
  count,
  duration,
  grouped,
  percent,
  probability,
  threeDigits,
} from '../../web/src/charts/format.ts';
import { condense, nearest, type Point, Ring, strokes, summarize } from '../../web/src/charts/series.ts';
import { byteTicks, niceTicks, timeTicks } from '../../web/src/charts/ticks.ts';
import { isIdle, lastBusy, lastLatency, meanHitRate, statsCsv, totalOf } from '../../web/src/dashboard/measures.ts';
import { capacityOf, ranges, retryAfter } from '../../web/src/dashboard/ranges.ts';
import type { StatsSample } from '../../web/src/net/types.ts';

const plain = (text: string) => text.replaceAll('\u202f', ' ');

test('numbers are shown with three digits and their unit', () => {
  assert.deepEqual([0, 0.4216, 7.25, 99.96, 128.4, 12480].map(threeDigits), [
    '0',
    '0.42',
    '7.25',
    '100',
    '128',
    '12,480',
  ]);
  assert.deepEqual([0, 1023, 1024, 13_743_895_347, 5e12].map(bytes).map(plain), [
    '0 B',
    '1023 B',
    '1 KiB',
    '12.8 GiB',
    '4.55 TiB',
  ]);
  assert.deepEqual([0.4, 850, 1250, 59_949, 60_000, 184_000, 7_500_000, 90_000_000].map(duration).map(plain), [
    '0.4 ms',
    '850 ms',
    '1.25 s',
    '59.9 s',
    '1 min',
    '3 min 4 s',
    '2 h 5 min',
    '1 d 1 h',
  ]);
  assert.deepEqual([0, 0.97, 0.00001, 1].map(percent).map(plain), ['0 %', '97 %', '<0.01 %', '100 %']);
  assert.deepEqual([0, 1, 0.99982, 0.123, 0.0000003].map(probability).map(plain), [
    '0 %',
    '100 %',
    '99.982 %',
    '12.3 %',
    '3.0e−7',
  ]);
  assert.deepEqual([0, 0.001, 1.84].map(bits).map(plain), ['0 bits', '<0.01 bits', '1.84 bits']);
  assert.deepEqual(
    [count(1, 'token'), count(1200, 'token'), grouped(1234567)],
    ['1 token', '1,200 tokens', '1,234,567'],
  );
});

test('ticks are round, begin at zero and reach the highest value', () => {
  assert.deepEqual(niceTicks(87), [0, 50, 100]);
  assert.deepEqual(niceTicks(100), [0, 50, 100]);
  assert.deepEqual(niceTicks(0.37), [0, 0.1, 0.2, 0.3, 0.4]);
  assert.deepEqual(niceTicks(0), [0, 1]);
  for (const highest of [1e-3, 0.7, 3, 42, 199, 12_345, 9e9]) {
    const ticks = niceTicks(highest);
    assert.ok(ticks.at(-1)! >= highest && ticks.length <= 6 && ticks.at(-1)! <= highest * 2.5, `${highest}: ${ticks}`);
  }
  assert.deepEqual(
    byteTicks(3 * 1024 ** 3),
    [0, 1, 2, 3].map((gib) => gib * 1024 ** 3),
  );
});

test('time ticks stand at whole minutes and hours of the wall clock', () => {
  const at = Date.UTC(2026, 0, 1, 10, 7, 31);
  assert.deepEqual(
    timeTicks(at, at + 300_000, 5, 0),
    [8, 9, 10, 11, 12].map((minute) => Date.UTC(2026, 0, 1, 10, minute)),
  );
  const day = timeTicks(at, at + 86_400_000, 5, -330);
  assert.ok(
    day.every(
      (tick) => new Date(tick + 330 * 60_000).getUTCHours() % 6 === 0 && (tick + 330 * 60_000) % 3_600_000 === 0,
    ),
  );
});

test('a ring keeps the newest and takes nothing twice', () => {
  const ring = new Ring<Point>(3);
  assert.equal(ring.push(at(1), at(2)), true);
  const before = ring.items;
  assert.equal(ring.push(at(2), at(1)), false);
  assert.equal(ring.push(at(3), at(3), at(4)), true);
  assert.deepEqual(
    ring.items.map((each) => each.at),
    [2, 3, 4],
  );
  assert.deepEqual(
    before.map((each) => each.at),
    [1, 2],
    'what was handed out stays as it is',
  );
  for (let time = 5; time < 10_000; time++) ring.push(at(time));
  assert.equal(ring.items.length, 3);
});

test('a column shows the mean of its points and how far they go', () => {
  const stroke = Array.from({ length: 10_000 }, (_, time) => ({
    at: time,
    value: time === 4321 ? 99 : time === 8000 ? -5 : 1,
  }));
  const columns = condense(stroke, 0, 9999, 100);
  assert.equal(columns.length, 100);
  assert.equal(Math.max(...columns.map(({ high }) => high)), 99);
  assert.equal(Math.min(...columns.map(({ low }) => low)), -5);
  assert.deepEqual(columns[0], { at: 49.5, value: 1, low: 1, high: 1 });
  assert.ok(columns.every((column, index) => index === 0 || column.at > columns[index - 1]!.at));
  assert.deepEqual(condense([{ at: 1, value: 5 }], 0, 10, 100), [{ at: 1, value: 5, low: 5, high: 5 }]);
});

test('a stroke ends where a value is missing or the next is too far', () => {
  const points = [at(0, 1), at(1, 2), at(2, null), at(3, 4), at(9, 5)];
  assert.deepEqual(
    strokes(points, 2).map((stroke) => stroke.map((each) => each.at)),
    [[0, 1], [3], [9]],
  );
});

test('a day of minutes is one line, however few columns it is drawn in', () => {
  const minute = 60_000;
  const points = Array.from({ length: 1440 }, (_, index) => at(index * minute, index % 5));
  const runs = strokes(points, 3.5 * minute).map((run) => condense(run, 0, 1440 * minute, 100));
  assert.equal(runs.length, 1);
  assert.equal(runs[0]!.length, 100);
});

test('a summary says the last, the mean and the highest of what was measured', () => {
  assert.deepEqual(summarize([at(0, 2), at(1, null), at(2, 8), at(3, 5), at(4, null)]), {
    last: 5,
    mean: 5,
    highest: 8,
  });
  assert.deepEqual(summarize([at(0, null)]), { last: null, mean: null, highest: null });
});

test('the nearest point in time is found', () => {
  const points = [at(0), at(10), at(20)];
  assert.deepEqual(
    [-5, 4, 6, 15, 16, 99].map((time) => nearest(points, time)?.at),
    [0, 0, 10, 10, 20, 20],
  );
  assert.equal(nearest([], 3), undefined);
});

function at(time: number, value: number | null = 1): Point {
  return { at: time, value };
}

test('what is missing in a ring is put between what is there', () => {
  const ring = new Ring<Point>(4);
  ring.push(at(3), at(4));
  ring.merge([at(1), at(2), at(3)]);
  assert.deepEqual(
    ring.items.map((each) => each.at),
    [1, 2, 3, 4],
  );
  ring.merge([at(0), at(5)]);
  assert.deepEqual(
    ring.items.map((each) => each.at),
    [2, 3, 4, 5],
  );
});

const quiet: StatsSample = {
  at: 1000,
  promptTokensPerSecond: 0,
  outputTokensPerSecond: 0,
  requestsPerSecond: 0,
  errorsPerSecond: 0,
  running: 0,
  waiting: 0,
  batchSize: 0,
  cacheHitRate: null,
  kvBytesUsed: 0,
  kvBytesCapacity: 10,
  residentBytes: 5,
  firstTokenMs: null,
  tokenGapMs: null,
  requestMs: null,
};
const busy: StatsSample = {
  ...quiet,
  at: 2000,
  running: 1,
  requestsPerSecond: 0.5,
  cacheHitRate: 0.5,
  firstTokenMs: { p50: 1, p95: 2, p99: 3 },
};

test('a server is idle when nothing runs, waits or was computed', () => {
  assert.equal(isIdle(quiet), true);
  assert.equal(isIdle(busy), false);
  assert.equal(isIdle({ ...quiet, outputTokensPerSecond: 3 }), false);
  assert.equal(lastBusy([quiet, busy, { ...quiet, at: 3000 }]), 2000);
  assert.equal(lastBusy([quiet]), undefined);
});

test('tiles say the last that was measured, and totals of rates', () => {
  assert.deepEqual(lastLatency([busy, quiet], 'firstTokenMs'), { p50: 1, p95: 2, p99: 3 });
  assert.equal(lastLatency([quiet], 'firstTokenMs'), null);
  assert.equal(meanHitRate([quiet, busy, { ...busy, cacheHitRate: 0.7 }]), 0.6);
  assert.equal(meanHitRate([quiet]), null);
  assert.equal(
    totalOf([busy, busy, quiet], ({ requestsPerSecond }) => requestsPerSecond, 10),
    10,
  );
});

test('a CSV has a row for each sample, and nothing where nothing was measured', () => {
  const [header, first, second, end] = statsCsv([quiet, busy]).split('\n');
  assert.match(header!, /^time,promptTokensPerSecond,.*requestMs_p99$/);
  assert.equal(first, '1970-01-01T00:00:01.000Z,0,0,0,0,0,0,0,,0,10,5,,,,,,,,,');
  assert.match(second!, /^1970-01-01T00:00:02.000Z,.*,0\.5,0,10,5,1,2,3,,,,,,$/);
  assert.equal(end, '');
});

test('a range has room for its samples, and a lost connection is tried again, later and later', () => {
  assert.deepEqual(
    ranges.map((range) => capacityOf(range)),
    [310, 370, 1450],
  );
  assert.deepEqual([1, 2, 3, 4, 5, 6, 99].map(retryAfter), [1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
});
