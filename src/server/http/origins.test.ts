import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appWith, errorOf } from '../testing.ts';
import { checkHost, HostNames, isLoopback } from './hosts.ts';
import { checkOrigin, Origins } from './origins.ts';

const names = new HostNames(['box.example']);
const closed = appWith([checkHost(names), checkOrigin(new Origins(), names)]);
const open = appWith([checkOrigin(new Origins(['https://chat.example', 'http://localhost:*']), names)]);

function post(app: typeof closed, headers: Record<string, string>) {
  return app.request('/echo', { method: 'POST', headers: { host: 'localhost:6774', ...headers }, body: 'hello' });
}

test('a page of elsewhere cannot post, however simple its request; a program can', async () => {
  for (const contentType of ['text/plain', 'application/x-www-form-urlencoded', 'application/json']) {
    const refused = await post(closed, { origin: 'https://evil.example', 'content-type': contentType });
    assert.equal(refused.status, 403);
    assert.equal((await errorOf(refused)).code, 'server/forbidden-origin');
  }
  for (const origin of ['null', 'http://localhost:3000', 'file://', 'http://localhost.evil.example', 'nonsense']) {
    assert.equal((await post(closed, { origin })).status, 403, origin);
  }
  assert.equal((await post(closed, {})).status, 200);
});

test('the server’s own pages may post, under its own names only', async () => {
  for (const [host, origin] of [
    ['localhost:6774', 'http://localhost:6774'],
    ['127.0.0.1:6774', 'http://127.0.0.1:6774'],
    ['box.example', 'https://box.example'],
    ['[::1]:6774', 'http://[::1]:6774'],
  ] as const) {
    assert.equal((await post(closed, { host, origin })).status, 200, host);
  }
  // DNS rebinding: the page's own name, which now points here.
  assert.equal((await post(open, { host: 'evil.example', origin: 'http://evil.example' })).status, 403);
  assert.equal((await post(closed, { host: 'localhost:6774', origin: 'http://localhost:80' })).status, 403);
});

test('CORS is closed by default: no header allows reading, and preflights are refused', async () => {
  const reply = await closed.request('/client', { headers: { host: 'localhost', origin: 'https://evil.example' } });
  assert.equal(reply.status, 200); // the browser keeps it from the page
  assert.equal(reply.headers.get('access-control-allow-origin'), null);
  const headers = { host: 'localhost', origin: 'https://evil.example', 'access-control-request-method': 'POST' };
  const preflight = await closed.request('/echo', { method: 'OPTIONS', headers });
  assert.equal(preflight.status, 403);
  assert.equal(preflight.headers.get('access-control-allow-origin'), null);
});

test('an allowed page gets its preflight answered, its reply, and the words of an error', async () => {
  for (const origin of ['https://chat.example', 'http://localhost:5173']) {
    const preflight = await open.request('/echo', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-stainless-os' },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
    assert.equal(preflight.headers.get('access-control-allow-headers'), 'x-stainless-os');
    const reply = await post(open, { origin });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('access-control-allow-origin'), origin);
    assert.match(reply.headers.get('access-control-expose-headers') ?? '', /x-request-id/);
    assert.equal(reply.headers.get('vary'), 'Origin');
    const failed = await open.request('/nowhere', { headers: { origin } });
    assert.deepEqual([failed.status, failed.headers.get('access-control-allow-origin')], [404, origin]);
  }
  for (const origin of [
    'https://chat.example.evil.example',
    'http://chat.example',
    'https://xchat.example',
    'x-https://chat.example',
  ]) {
    assert.equal((await post(open, { origin })).status, 403, origin);
  }
});

test('a star opens the server to every page', async () => {
  const reply = await post(appWith([checkOrigin(new Origins(['*']), names)]), { origin: 'https://any.example' });
  assert.equal(reply.headers.get('access-control-allow-origin'), 'https://any.example');
});

test('the Host header must be a name of this machine, or an address', async () => {
  const status = async (host: string) => (await closed.request('/client', { headers: { host } })).status;
  for (const host of [
    'localhost',
    'LOCALHOST:6774',
    'localhost.',
    '127.0.0.1:80',
    '[::1]:6774',
    '192.168.1.7:6774',
    'box.example',
    'a.localhost:1',
  ]) {
    assert.equal(await status(host), 200, host);
  }
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    'evil-localhost',
    '127.0.0.1.evil.example',
    'box.example.evil',
  ]) {
    assert.equal(await status(host), 403, host);
  }
  assert.equal(
    (await appWith([checkHost(new HostNames(['*']))]).request('/client', { headers: { host: 'any.example' } })).status,
    200,
  );
});

test('loopback is loopback by any name', () => {
  for (const name of ['localhost', 'LOCALHOST', '127.0.0.1', '127.8.8.8', '::1', '[::1]'])
    assert.ok(isLoopback(name), name);
  for (const name of ['0.0.0.0', '::', '127.evil.example', '192.168.1.1', 'box.example', ''])
    assert.ok(!isLoopback(name), name);
});
