import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ServerClient, serverUrl } from './server-client.ts';

test('an address may be written as people write addresses', () => {
  const cases = {
    '127.0.0.1:6774': 'http://127.0.0.1:6774',
    localhost: 'http://localhost:6774',
    ':8000': 'http://127.0.0.1:8000',
    '0.0.0.0:8000': 'http://127.0.0.1:8000',
    '[::]:8000': 'http://[::1]:8000',
    'http://box.local/': 'http://box.local',
    'https://box.local:8443/ossia/': 'https://box.local:8443/ossia',
  };
  for (const [written, url] of Object.entries(cases)) assert.equal(serverUrl(written), url);
  for (const wrong of ['ftp://x', 'a b', 'host:99999', '']) {
    assert.throws(() => serverUrl(wrong), { code: 'cli/usage' }, wrong);
  }
});

async function answering(t: TestContext, status: number, body: string): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`);
    response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:1/' } : {}).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

test('the server is asked with its key, and its reasons are passed on', async (t) => {
  const { url, seen } = await answering(t, 200, '{"models": []}');
  assert.deepEqual(await new ServerClient({ env: { OSSIA_HOST: url } }, {}).get('/api/ps'), { models: [] });
  await new ServerClient({ env: { OSSIA_API_KEY: 'from-env' } }, { host: url }).get('/api/ps');
  await new ServerClient({ env: { OSSIA_API_KEY: 'from-env' } }, { host: url, apiKey: 'flag' }).post('/x', {});
  assert.deepEqual(seen, ['GET /api/ps -', 'GET /api/ps Bearer from-env', 'POST /x Bearer flag']);
  const cases = [
    [401, '{"error": {"message": "No key"}}', { code: 'cli/server-refused', message: 'The server said 401: No key' }],
    [404, '{"error": "model not found"}', { code: 'cli/server-refused', message: /404: model not found/ }],
    [500, '{}', { code: 'cli/server-refused', message: /500: it gave no reason/ }],
    [404, '<html>', { code: 'cli/no-server', message: /is no Ossia server/ }],
    [302, '', { code: 'cli/no-server' }],
  ] as const;
  for (const [status, body, expected] of cases) {
    const server = await answering(t, status, body);
    await assert.rejects(new ServerClient({ env: {} }, { host: server.url }).get('/api/ps'), expected);
  }
});

test('where nothing listens, that is said', async () => {
  const client = new ServerClient({ env: {} }, { host: '127.0.0.1:1' });
  await assert.rejects(client.get('/api/ps'), {
    code: 'cli/no-server',
    message: /No server answers at http:\/\/127\.0\.0\.1:1/,
  });
});
