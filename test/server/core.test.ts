import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeNano, testServer } from '../support/server.ts';

after(closeNano);

test('a server answers probes on a real port', async () => {
  const server = await testServer();
  const reply = await fetch(`${server.url}/health`);
  assert.equal(reply.status, 200);
  assert.match(reply.headers.get('x-request-id') ?? '', /^req_/);
  await server.close();
  await assert.rejects(fetch(`${server.url}/health`));
});
