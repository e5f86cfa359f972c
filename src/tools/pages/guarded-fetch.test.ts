import assert from 'node:assert/strict';
import type { LookupAddress, lookup } from 'node:dns';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { guardedFetch } from './guarded-fetch.ts';

const seen: { readonly request: IncomingMessage; readonly body: string }[] = [];
const server = createServer(async (request, response) => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  seen.push({ request, body: Buffer.concat(pieces).toString() });
  if (request.url === '/away') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
  else if (request.url === '/odd') response.writeHead(700).write('and so on');
  else if (request.url === '/nothing') response.writeHead(202).end();
  else response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'x' }).end('{"ok":true}');
});
let host = '';
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

/** A resolver that knows one address for every name. */
const resolvesTo = (address: string) =>
  ((_host: string, _options: object, callback: (error: null, addresses: LookupAddress[]) => void) =>
    callback(null, [{ address, family: 4 }])) as unknown as typeof lookup;

test('an address that may be used is spoken to as fetch does', async () => {
  const fetch = guardedFetch({ allowPrivate: [host] });
  const response = await fetch(`http://${host}/mcp`, { method: 'POST', headers: { 'x-a': 'b' }, body: '{"a":1}' });
  assert.deepEqual(await response.json(), { ok: true });
  assert.equal(response.headers.get('mcp-session-id'), 'x');
  const { request, body } = seen.at(-1)!;
  assert.deepEqual([request.method, request.headers['x-a'], body], ['POST', 'b', '{"a":1}']);
  assert.equal((await fetch(`http://${host}/nothing`)).status, 202);
});

test('redirects are not followed', async () => {
  const response = await guardedFetch({ allowPrivate: [host] })(`http://${host}/away`);
  assert.equal(response.status, 302);
  await response.body?.cancel();
});

test('an answer that cannot be keeps no connection', async () => {
  await assert.rejects(guardedFetch({ allowPrivate: [host] })(`http://${host}/odd`), RangeError);
  const { socket } = seen.at(-1)!.request;
  if (!socket.destroyed) await once(socket, 'close');
});

test('private addresses are refused, by number and behind a name', async () => {
  const before = seen.length;
  for (const url of [`http://${host}/`, 'http://127.0.0.1/', 'http://169.254.169.254/latest', 'http://[::1]/']) {
    await assert.rejects(guardedFetch()(url), /private|Port/);
  }
  const fetch = guardedFetch({ lookup: resolvesTo('127.0.0.1') });
  await assert.rejects(fetch('http://innocent.example/'), /private/);
  await assert.rejects(fetch('file:///etc/passwd'), /http/);
  assert.equal(seen.length, before, 'nobody was spoken to');
});
