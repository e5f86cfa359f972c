import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appWith, errorOf } from '../testing.ts';
import { limitBody } from './body-limit.ts';

const app = appWith([limitBody(10)]);

function post(body: string | ReadableStream<Uint8Array>, headers: Record<string, string> = {}) {
  return app.request(
    new Request('http://localhost/echo', { method: 'POST', body, headers, duplex: 'half' } as RequestInit),
  );
}

/** Counts what is taken from it. */
function chunks(count: number) {
  const taken = { chunks: 0 };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (taken.chunks === count) controller.close();
        else {
          taken.chunks++;
          controller.enqueue(new TextEncoder().encode('abcd'));
        }
      },
    },
    { highWaterMark: 0 },
  );
  return { taken, body };
}

test('a body up to the limit arrives, with or without an announced length', async () => {
  assert.equal(await (await post('0123456789')).text(), '0123456789');
  assert.equal(await (await post('0123456789', { 'content-length': '10' })).text(), '0123456789');
  assert.equal(await (await post(chunks(2).body)).text(), 'abcdabcd');
  assert.equal(await (await post('äöüäö')).text(), 'äöüäö');
  assert.equal(await (await post('')).text(), '');
});

test('a longer body is refused: by its announced length before it is read, else as soon as it is too long', async () => {
  const announced = chunks(100);
  const refused = await post(announced.body, { 'content-length': '11' });
  assert.equal(refused.status, 413);
  assert.equal((await errorOf(refused)).code, 'server/too-large');
  assert.equal(announced.taken.chunks, 0);
  const streamed = chunks(1_000_000);
  assert.equal((await post(streamed.body, { 'transfer-encoding': 'chunked', 'content-length': '1' })).status, 413);
  assert.ok(streamed.taken.chunks <= 4, `${streamed.taken.chunks} chunks were read`);
});
