import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEvents, SseParser } from './sse.ts';

test('events end with an empty line; comments and names are no data', () => {
  assert.deepEqual(
    new SseParser().push(': hi\nevent: x\nid: 1\ndata: {"a":1}\n\ndata:b\ndata: c\r\n\r\nretry: 5\n\ndata: open\n'),
    ['{"a":1}', 'b\nc'],
  );
});

test('it does not matter where the stream is cut, not even between CR and LF', () => {
  const text = 'data: one\r\n\r\ndata: two\n\r\rdata: three\r\rdata: vier ü\n\n';
  const whole = new SseParser().push(text);
  assert.deepEqual(whole.slice(0, 2), ['one', 'two']);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
      const parser = new SseParser();
      const found: string[] = [];
      let at = 0;
      for (const cut of [...cuts, text.length].sort((a, b) => a - b)) {
        found.push(...parser.push(text.slice(at, cut)));
        at = cut;
      }
      assert.deepEqual(found, whole);
    }),
  );
});

test('a reply is read as JSON, letters of several bytes cut apart, its last event without an empty line', async () => {
  const bytes = new TextEncoder().encode('data: {"text":"Übung 🎼"}\n\ndata: {"n":2}');
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  const events: unknown[] = [];
  for await (const event of readEvents(new Response(body))) events.push(event);
  assert.deepEqual(events, [{ text: 'Übung 🎼' }, { n: 2 }]);
});

test('who stops reading ends the stream', async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
    cancel: () => {
      cancelled = true;
    },
  });
  for await (const _ of readEvents(new Response(body))) break;
  assert.ok(cancelled);
});

test('a stream that falls silent is left; one that only says that it is there is not', async () => {
  const encoder = new TextEncoder();
  let pings = 0;
  const alive = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      controller.enqueue(encoder.encode(++pings < 30 ? ': ping\n\n' : 'data: 1\n\n'));
      if (pings === 30) controller.close();
    },
  });
  const events: number[] = [];
  for await (const event of readEvents<number>(new Response(alive), 1000)) events.push(event);
  assert.deepEqual(events, [1]);
  const silent = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode('data: 2\n\n')),
  });
  await assert.rejects(async () => {
    for await (const event of readEvents<number>(new Response(silent), 100)) events.push(event);
  }, /Nothing came any more/);
  assert.deepEqual(events, [1, 2]);
});
