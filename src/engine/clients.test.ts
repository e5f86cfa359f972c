import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OssiaError } from '../base/index.ts';
import { collect, open, promptOf, steps } from './testing.ts';

/** Notes who ended, in order. */
function notebook() {
  const order: string[] = [];
  return { order, note: (name: string) => () => void order.push(name) };
}

test('a client with sixty waiting requests does not keep the first of another waiting', async () => {
  const { engine } = open({ capacity: 999 }, { maxRunning: 2 });
  const { order, note } = notebook();
  const ask = (client: string, id: number) =>
    collect(engine.submit([id], { maxTokens: 2 }, { client })).then(note(client));
  const many = Array.from({ length: 60 }, (_, i) => ask('many', i % 50));
  const few = [ask('few', 51), ask('few', 52)];
  await Promise.all([...many, ...few]);
  assert.deepEqual(order.slice(0, 4).sort(), ['few', 'few', 'many', 'many']);
  await engine.close();
});

test('all who do not say who they are take one turn together', async () => {
  const { engine } = open({}, { maxRunning: 1 });
  const { order, note } = notebook();
  const ask = (name: string, client?: string) =>
    collect(engine.submit([1], { maxTokens: 1 }, client === undefined ? {} : { client })).then(note(name));
  await Promise.all([ask('x1'), ask('x2'), ask('x3'), ask('a1', 'a'), ask('b1', 'b'), ask('b2', 'b')]);
  assert.deepEqual(order, ['x1', 'a1', 'b1', 'x2', 'b2', 'x3']);
  await engine.close();
});

test('a full queue says how busy it is and when to come back', async () => {
  const { engine } = open({}, { maxRunning: 1, maxWaiting: 2 });
  const accepted = [1, 2].map((id) => collect(engine.submit([id], { maxTokens: 2 })));
  await assert.rejects(collect(engine.submit([3])), (error: unknown) => {
    assert.ok(error instanceof OssiaError);
    const { retryAfterSeconds, ...rest } = error.details;
    assert.deepEqual([error.code, rest], ['engine/queue-full', { running: 0, waiting: 2 }]);
    assert.ok(Number(retryAfterSeconds) > 0 && Number(retryAfterSeconds) <= 60);
    return true;
  });
  await Promise.all(accepted);
  await engine.close();
});

test('those who find the queue full are told to come back one after another, but within a minute', async () => {
  const { engine } = open({}, { maxRunning: 1, maxWaiting: 1 });
  const accepted = collect(engine.submit([1], { maxTokens: 1 }));
  const asked = Array.from({ length: 100 }, (_, i) => collect(engine.submit([i % 50])));
  const results = await Promise.allSettled(asked);
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as OssiaError] : []));
  const waits = errors.map(({ details }) => Number(details.retryAfterSeconds));
  assert.equal(waits.length, 100);
  for (const [i, wait] of waits.slice(1, 50).entries()) assert.ok(wait > waits[i]! + 0.5, `${wait} after ${waits[i]}`);
  assert.ok(waits.every((wait) => wait > 0 && wait <= 60));
  await accepted;
  await engine.close();
});

test('in a full queue the last of the client that has most gives way to the first of another', async () => {
  const { engine } = open({}, { maxRunning: 1, maxWaiting: 4 });
  const ask = (client: string) => collect(engine.submit([1], { maxTokens: 1 }, { client }));
  const many = [1, 2, 3, 4].map(() => ask('many'));
  const few = ask('few');
  await assert.rejects(many[3]!, { code: 'engine/queue-full' });
  await assert.rejects(ask('many'), { code: 'engine/queue-full' });
  await assert.rejects(ask('few'), { code: 'engine/queue-full' });
  const others = [ask('b'), ask('c')];
  await assert.rejects(many[2]!, { code: 'engine/queue-full' });
  await assert.rejects(many[1]!, { code: 'engine/queue-full' });
  await assert.rejects(ask('d'), { code: 'engine/queue-full' }); // each has one by now
  assert.equal(engine.load.waiting, 4);
  for (const each of [many[0]!, few, ...others]) assert.equal((await each).ids.length, 1);
  assert.deepEqual(engine.stats().requests, { stop: 0, length: 4, cancelled: 0, failed: 3 });
  await engine.close();
});

test('a cancelled request gives its turn and its place in the queue to others', async () => {
  const { runner, engine } = open({}, { maxRunning: 1, maxWaiting: 3 });
  const { order, note } = notebook();
  const ask = (name: string, signal?: AbortSignal) =>
    collect(engine.submit([1], { maxTokens: 3, stopIds: [] }, { client: name[0]!, ...(signal && { signal }) })).then(
      note(name),
    );
  const first = ask('a1');
  await steps(runner, 1);
  const abort = new AbortController();
  const waiting = [ask('b1', abort.signal), ask('b2'), ask('c1')];
  abort.abort();
  waiting.push(ask('b3'));
  await Promise.all([first, ...waiting]);
  assert.deepEqual(order, ['b1', 'a1', 'b2', 'c1', 'b3']);
  await engine.close();
});

test('what is put aside comes back before clients whose turn it is, and ends as if alone', async () => {
  const { runner, engine } = open({ blockSize: 4, capacity: 12, contextLength: 48 }, { maxRunning: 2 });
  const { order, note } = notebook();
  const ask = (client: string, prompt: number[], maxTokens: number) =>
    collect(engine.submit(prompt, { maxTokens, stopIds: [] }, { client })).then(note(client));
  await Promise.all([ask('a', promptOf(9, 1), 30), ask('b', promptOf(10, 2), 30), ask('c', [5], 1), ask('d', [6], 1)]);
  assert.deepEqual(order, ['a', 'c', 'd', 'b']);
  assert.ok(runner.steps.length < 30 + 30 + 5);
  await engine.close();
});
