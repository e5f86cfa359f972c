import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Meter, RecentValues } from './stats.ts';
import { collect, open, promptOf, steps } from './testing.ts';

test('recent values are the last ones', () => {
  const values = new RecentValues(3);
  assert.deepEqual([values.summary, values.oldest, values.length], [{ last: 0, mean: 0, max: 0 }, undefined, 0]);
  values.add(5);
  assert.deepEqual([values.summary, values.oldest, values.length], [{ last: 5, mean: 5, max: 5 }, 5, 1]);
  for (const value of [9, 1, 2, 3]) values.add(value);
  assert.deepEqual([values.summary, values.oldest, values.length], [{ last: 3, mean: 2, max: 3 }, 1, 3]);
});

test('who is sent away is told a time at the rate of the last requests, idle time left out', async () => {
  const meter = new Meter();
  const sink = meter.counting({ emit() {}, fail() {} });
  for (let i = 0; i < 20; i++) {
    meter.step({ sequences: 1, promptTokens: 1, ms: i < 3 ? 50_000 : 250 });
    sink.fail(new Error('over'));
    await sleep(5); // nothing is worked meanwhile
  }
  const started = performance.now();
  for (const told of [0.35, 0.6, 0.85, 1.1]) {
    const wait = meter.comeBackSeconds();
    const elapsed = (performance.now() - started) / 1000;
    assert.ok(wait < told + 0.001 && wait > told - elapsed - 0.001, `${wait} in place of ${told}`);
  }
});

test('an engine that did nothing says so', async () => {
  const { engine } = open({ blockSize: 8, capacity: 30 }, { maxRunning: 3, maxWaiting: 7 });
  const none = { last: 0, mean: 0, max: 0 };
  assert.deepEqual(engine.stats(), {
    running: 0,
    waiting: 0,
    maxRunning: 3,
    maxWaiting: 7,
    blocksInUse: 0,
    blockCapacity: 30,
    blockSize: 8,
    kvBytesUsed: 0,
    kvBytesCapacity: 2400,
    prefixCache: { blocks: 0, idleBlocks: 0, queriedTokens: 0, hitTokens: 0, evictions: 0 },
    steps: 0,
    prefillTokens: 0,
    decodeTokens: 0,
    forcedTokens: 0,
    speculation: { drafts: 0, draftedTokens: 0, acceptedTokens: 0 },
    requests: { stop: 0, length: 0, cancelled: 0, failed: 0 },
    batchSize: { last: 0, mean: 0 },
    stepMs: none,
    tokenGapMs: none,
  });
  await engine.close();
});

test('everything that is done is counted once', async () => {
  const { engine } = open({ blockSize: 8 }, { prefill: { alone: 10, besideDecode: 10 } });
  const first = await collect(engine.submit(promptOf(24), { maxTokens: 6, temperature: 0, stopIds: [] }));
  const next = [...promptOf(24), ...first.ids, 50];
  await collect(engine.submit(next, { maxTokens: 1 }));
  await assert.rejects(collect(engine.submit([]))); // was never a request
  await collect(engine.submit([1], {}, { signal: AbortSignal.abort() }));
  const forced = { allow: () => assert.fail(), advance: () => {}, forced: () => [7, 8] };
  await collect(engine.submit([9], { maxTokens: 5, stopIds: [] }, { constraint: forced }));
  const stats = engine.stats();
  assert.deepEqual(stats.prefixCache, {
    ...{ blocks: 4, idleBlocks: 4, evictions: 0 },
    ...{ queriedTokens: 24 + 31 + 1, hitTokens: 29 },
  });
  assert.deepEqual([stats.prefillTokens, stats.decodeTokens, stats.forcedTokens], [24 + 2, 6 + 1, 5]);
  assert.deepEqual(stats.requests, { stop: 0, length: 3, cancelled: 1, failed: 0 });
  assert.deepEqual([stats.steps, stats.batchSize], [3 + 5 + 1, { last: 1, mean: 1 }]);
  assert.deepEqual([stats.blocksInUse, stats.kvBytesUsed], [4, 320]);
  assert.ok(stats.stepMs.max >= stats.stepMs.mean && stats.stepMs.last >= 0);
  await engine.close();
});

test('the gap between tokens holds what a sequence waits for, the steps of others included', async () => {
  const waits = [0, 0, 0, 60, 0, 0, 0, 0, 0];
  const beforeStep = () => new Promise<void>((resolve) => setTimeout(resolve, waits.shift() ?? 0));
  const { runner, engine } = open({ beforeStep }, { maxRunning: 2 });
  const running = collect(engine.submit([1], { maxTokens: 6, stopIds: [] }));
  await steps(runner, 2);
  assert.deepEqual([engine.stats().running, engine.stats().waiting], [1, 0]);
  const joined = collect(engine.submit(promptOf(20), { maxTokens: 1 }));
  await Promise.all([running, joined]);
  const { tokenGapMs, stepMs, batchSize } = engine.stats();
  assert.ok(tokenGapMs.max >= 50 && tokenGapMs.mean >= 50 / 5, JSON.stringify(tokenGapMs));
  assert.ok(stepMs.max >= 50);
  assert.equal(batchSize.mean, 7 / 6);
  await engine.close();
});
