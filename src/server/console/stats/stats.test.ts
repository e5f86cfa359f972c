import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatEvent, LoadedModel } from '../../../chat/index.ts';
import type { EngineStats } from '../../../engine/index.ts';
import { emptyHost } from '../../testing.ts';
import { StatsRecorder } from './recorder.ts';
import { Reservoir } from './reservoir.ts';
import { StatsSampler } from './sampler.ts';
import { Series } from './series.ts';
import { Tally } from './tally.ts';

test('percentiles are of what came, and of a fair part of very much, in bounded memory', () => {
  const few = new Reservoir(100);
  assert.equal(few.percentiles, null);
  few.add(7);
  assert.deepEqual(few.percentiles, { p50: 7, p95: 7, p99: 7 });
  const all = new Reservoir(100);
  for (let i = 100; i >= 1; i--) all.add(i);
  assert.deepEqual(all.percentiles, { p50: 50, p95: 95, p99: 99 });
  const many = new Reservoir(1000);
  for (let i = 0; i < 200_000; i++) many.add(i % 1000);
  assert.equal(many.values.length, 1000);
  const { p50, p95 } = many.percentiles!;
  assert.ok(p50 > 400 && p50 < 600 && p95 > 900, `${p50} ${p95}`);
});

function tally(fields: Partial<Tally>, requests: readonly number[] = []): Tally {
  const made = Object.assign(new Tally(), { seconds: 1, ...fields });
  for (const ms of requests) made.requestMs.add(ms);
  return made;
}

test('longer samples are of all that happened in their time: rates, shares and percentiles', () => {
  const minutes = new Series(60, 3);
  for (let second = 1; second <= 59; second++)
    minutes.add(tally({ requests: 2, queried: 10, hit: 0 }, [second]), second);
  assert.deepEqual(minutes.since(0), []);
  minutes.add(tally({ requests: 62, queried: 590, hit: 590, gauges: { ...new Tally().gauges, running: 5 } }), 60_000);
  const [sample] = minutes.since(0);
  assert.deepEqual([sample!.at, sample!.requestsPerSecond, sample!.cacheHitRate, sample!.running], [60_000, 3, 0.5, 5]);
  assert.deepEqual(sample!.requestMs, { p50: 30, p95: 57, p99: 59 });
  assert.deepEqual([sample!.firstTokenMs, sample!.outputTokensPerSecond], [null, 0]);
});

test('only the last samples are kept, and those after a time are given', () => {
  const seconds = new Series(1, 5);
  for (let at = 1; at <= 9; at++) seconds.add(tally({}), at);
  assert.deepEqual(
    seconds.since(0).map(({ at }) => at),
    [5, 6, 7, 8, 9],
  );
  assert.deepEqual(
    seconds.since(7).map(({ at }) => at),
    [8, 9],
  );
  seconds.add(tally({ seconds: 0.2 }), 10); // a timer that came early: it goes into the next
  assert.equal(seconds.since(9).length, 0);
  seconds.add(tally({ seconds: 1, requests: 12 }), 11);
  assert.equal(seconds.since(9)[0]!.requestsPerSecond, 10);
});

function engine(name: string, numbers: Partial<EngineStats>, queriedTokens = 0, hitTokens = 0) {
  const stats = { running: 0, waiting: 0, prefillTokens: 0, decodeTokens: 0, forcedTokens: 0 };
  const sizes = { kvBytesUsed: 0, kvBytesCapacity: 0, batchSize: { last: 4, mean: 1 } };
  const prefixCache = { blocks: 0, idleBlocks: 0, queriedTokens, hitTokens, evictions: 0 };
  return { name, stats: { ...stats, ...sizes, prefixCache, ...numbers } as EngineStats };
}

test('engines count on: a sample has what is new, also of models that came, went and were loaded again', () => {
  const recorder = new StatsRecorder();
  const first = recorder.take([engine('a', { decodeTokens: 100, forcedTokens: 5, prefillTokens: 40 }, 50, 10)]);
  assert.deepEqual([first.outputTokens, first.promptTokens, first.queried, first.hit], [105, 40, 50, 10]);
  const more = [
    engine('a', { decodeTokens: 103, forcedTokens: 6, running: 2 }, 60, 20),
    engine('b', { decodeTokens: 7 }),
  ];
  const second = recorder.take(more);
  assert.deepEqual([second.outputTokens, second.hit, second.gauges.running, second.gauges.batchSize], [11, 10, 2, 4]);
  assert.equal(recorder.take([engine('b', { decodeTokens: 7 })]).outputTokens, 0);
  const again = recorder.take([engine('a', { decodeTokens: 3 }), engine('b', { decodeTokens: 2 })]);
  assert.deepEqual([again.outputTokens, again.gauges.batchSize], [5, 0]); // nobody runs: there is no batch
});

test('turns and requests are told as they end, and reading is no request', () => {
  const recorder = new StatsRecorder();
  const seen = recorder.turns.begin({} as never, {} as LoadedModel);
  const event = (type: string) => seen.event({ type } as ChatEvent);
  for (const type of ['prompt', 'token', 'reasoning', 'text', 'text', 'usage', 'end']) event(type);
  const record = { requestId: '', client: '', path: '', route: '', durationMs: 1, left: false };
  const turn = { model: 'm', turns: 1, promptTokens: 0, cachedTokens: 0, outputTokens: 0, firstTokenMs: 0 };
  for (const [method, status, finish] of [
    ['POST', 200, 'stop'],
    ['POST', 200, 'error'],
    ['POST', 503, 'stop'],
    ['POST', 400, 'stop'],
    ['GET', 500, 'stop'],
  ] as const) {
    recorder.request({ ...record, method, status, turn: { ...turn, finish } });
  }
  const { firstTokenMs, tokenGapMs, requestMs, requests, errors } = recorder.take([]);
  const counts = [firstTokenMs, tokenGapMs, requestMs].map(({ values }) => values.length);
  assert.deepEqual([counts, requests, errors], [[1, 2, 1], 4, 2]);
  assert.equal(recorder.take([]).requests, 0);
});

test('who watches gets each sample once, and a slow one the latest', async () => {
  const sampler = new StatsSampler(emptyHost, new StatsRecorder());
  const leaving = new AbortController();
  const watching = sampler.live(leaving.signal);
  const first = watching.next();
  await sampler.sample();
  assert.equal((await first).done, false);
  await sampler.sample();
  await sampler.sample();
  const { value } = await watching.next();
  const last = sampler.stats(0, 1);
  assert.ok(value && last.now >= (value.data as { at: number }).at);
  const waiting = watching.next();
  leaving.abort();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  sampler.close();
  assert.equal((await sampler.live(new AbortController().signal).next()).done, true);
});

test('an engine that does not answer holds no sample back for good', async () => {
  let asked = 0;
  const host = { ...emptyHost, stats: () => (asked++ === 0 ? Promise.reject(new Error('gone')) : Promise.resolve([])) };
  const sampler = new StatsSampler(host, new StatsRecorder());
  await sampler.sample();
  await sampler.sample();
  assert.equal(asked, 2);
  sampler.close();
});
