import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lifecycle } from './lifecycle.ts';
import { appWith } from './testing.ts';

test('a server is not ready before its models are loaded, nor when it drains', () => {
  const lifecycle = new Lifecycle();
  assert.equal(lifecycle.notReady, 'loading');
  lifecycle.begin();
  assert.equal(lifecycle.notReady, undefined);
  lifecycle.drain();
  assert.equal(lifecycle.notReady, 'draining');
  lifecycle.begin(); // the models came after the signal to end
  assert.equal(lifecycle.notReady, 'draining');
});

test('it is idle when the last request is over; probes do not count', async () => {
  const lifecycle = new Lifecycle();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const app = appWith([
    lifecycle.gate,
    async (c, next) => {
      if (c.req.path === '/client' || c.req.path === '/health') await held;
      await next();
    },
  ]);
  await lifecycle.idle();
  const slow = app.request('/client');
  const probe = app.request('/health');
  assert.equal(lifecycle.requests, 1);
  lifecycle.drain();
  assert.equal((await app.request('/echo', { method: 'POST' })).status, 503);
  assert.equal((await app.request('/id')).status, 200);
  assert.equal((await app.request('/v1/responses/resp_1/cancel', { method: 'POST' })).status, 404);
  let isIdle = false;
  const idle = lifecycle.idle().then(() => {
    isIdle = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isIdle, false);
  release();
  assert.deepEqual([(await slow).status, (await probe).status], [200, 200]);
  await idle;
  assert.equal(lifecycle.requests, 0);
});
