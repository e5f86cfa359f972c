import assert from 'node:assert/strict';
import { test } from 'node:test';
import { merge, whenDone } from './merge.ts';

/** Counts up to a limit, a turn of the event loop each; notes that it was ended. */
function counter(limit: number, log: string[], name = ''): AsyncGenerator<string, void, undefined> {
  return (async function* () {
    try {
      for (let i = 0; i < limit; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        yield `${name}${i}`;
      }
    } finally {
      log.push(`${name} ended`);
    }
  })();
}

test('all items of all streams come, each stream in its order', async () => {
  const found: string[][] = [[], [], []];
  const sources = ['a', 'b', 'c'].map((name, i) => counter(i * 3, [], name));
  for await (const { index, value } of merge(sources)) found[index]!.push(value);
  assert.deepEqual(found, [[], ['b0', 'b1', 'b2'], ['c0', 'c1', 'c2', 'c3', 'c4', 'c5']]);
});

test('no stream waits for another', async () => {
  const never: AsyncIterator<string, unknown, undefined> = {
    next: () => new Promise<never>(() => {}),
    return: async () => ({ done: true, value: undefined }),
  };
  const found: string[] = [];
  for await (const { value } of merge([never, counter(3, [])])) {
    found.push(value);
    if (found.length === 3) break;
  }
  assert.deepEqual(found, ['0', '1', '2']);
});

test('when one stream fails, or the reader leaves, all are ended', async () => {
  const log: string[] = [];
  const failing = async function* () {
    yield 'first';
    throw new Error('broken');
  };
  const read = async () => {
    for await (const _ of merge([counter(1e6, log, 'a'), failing()]));
  };
  await assert.rejects(read, /broken/);
  assert.deepEqual(log, ['a ended']);
  for await (const _ of merge([counter(1e6, log, 'b'), counter(1e6, log, 'c')])) break;
  assert.deepEqual(log.slice(1).sort(), ['b ended', 'c ended']);
});

test('a stream says once that it is over: at its end, at an error, and before its first item', async () => {
  const counted = () => {
    let count = 0;
    return { done: () => void count++, count: () => count };
  };
  const whole = counted();
  for await (const _ of whenDone(counter(2, []), whole.done));
  const left = counted();
  for await (const _ of whenDone(counter(2, []), left.done)) break;
  const unread = counted();
  await whenDone(counter(2, []), unread.done).return?.();
  const failed = counted();
  const failing = { next: () => Promise.reject(new Error('broken')) };
  await assert.rejects(whenDone(failing, failed.done).next(), /broken/);
  const read = whenDone(counter(1, []), whole.done);
  await read.return?.();
  await read.return?.();
  assert.deepEqual(
    [whole, left, unread, failed].map(({ count }) => count()),
    [2, 1, 1, 1],
  );
});
