import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { OssiaError } from '../../base/index.ts';
import { send } from './send.ts';

/** Items that come when they are pushed; says how many were asked for, and whether the reader has left. */
function source<T>() {
  const state = { asked: 0, left: false };
  const waiting: ((result: IteratorResult<T>) => void)[] = [];
  const items: AsyncIterable<T> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        state.asked++;
        return new Promise((resolve) => waiting.push(resolve));
      },
      return: async () => {
        state.left = true;
        return { done: true, value: undefined };
      },
    }),
  };
  return { state, items, push: (value: T) => waiting.shift()!({ done: false, value }) };
}

async function* failing<T>(first: T, error: unknown): AsyncGenerator<T> {
  yield first;
  throw error;
}

async function* list<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

test('events and lines are written as their formats have it', async () => {
  const sse = send({
    type: 'sse',
    events: list({ event: 'a', id: '7', data: { x: 'ü\n' } }, { data: 'two\nlines' }, { data: '[DONE]' }),
    headers: { 'x-more': '1' },
  });
  assert.equal(sse.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(sse.headers.get('x-more'), '1');
  assert.equal(await sse.text(), 'event: a\nid: 7\ndata: {"x":"ü\\n"}\n\ndata: two\ndata: lines\n\ndata: [DONE]\n\n');
  const lines = send({ type: 'ndjson', lines: list({ a: 1 }, { done: true }) });
  assert.equal(lines.headers.get('content-type'), 'application/x-ndjson');
  assert.equal(await lines.text(), '{"a":1}\n{"done":true}\n');
});

test('a stream that throws all the same ends with a word, and tells nothing of insides', async () => {
  const error = new OssiaError('engine/crashed', 'The engine is gone');
  const said = await send({ type: 'sse', events: failing({ data: 1 }, error) }).text();
  assert.match(said, /^data: 1\n\ndata: \{"error":\{"message":"The engine is gone\./);
  const inside = await send({ type: 'ndjson', lines: failing(1, new TypeError('the secret inside')) }).text();
  assert.match(inside, /^1\n\{"error":/);
  assert.doesNotMatch(inside, /secret/);
});

test('nothing is taken before it is read, and one item at a time', async () => {
  const { state, items, push } = source<{ data: number }>();
  const reader = send({ type: 'sse', events: items }).body!.getReader();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(state.asked, 0);
  const first = reader.read();
  assert.equal(state.asked, 1);
  push({ data: 1 });
  assert.equal(new TextDecoder().decode((await first).value), 'data: 1\n\n');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(state.asked, 1);
  await reader.cancel();
  assert.equal(state.left, true);
});

test('a silent stream is pinged for who waits, and for nobody else', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const { items, push } = source<{ data: number }>();
  const reader = send({ type: 'sse', events: items }).body!.getReader();
  const text = async () => new TextDecoder().decode((await reader.read()).value);
  const first = text();
  mock.timers.tick(15_000);
  assert.equal(await first, ': ping\n\n');
  mock.timers.tick(60_000); // nobody reads: at most one is kept
  assert.equal(await text(), ': ping\n\n');
  const next = text();
  push({ data: 1 });
  assert.equal(await next, 'data: 1\n\n');
  await reader.cancel();
});

test('lines that break off end with an error that is a text, as clients of Ollama read it', async () => {
  const lines = (await send({ type: 'ndjson', lines: failing({ done: false }, new Error('out of the blue')) }).text())
    .trim()
    .split('\n');
  assert.equal(lines.length, 2);
  const { error } = JSON.parse(lines[1]!);
  assert.equal(typeof error, 'string');
  assert.doesNotMatch(error, /blue/); // what went wrong inside is for the log
});
