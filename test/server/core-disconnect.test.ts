import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LoadedModel, load } from '../../src/chat/index.ts';
import { type RunningServer, startServer } from '../../src/server/index.ts';
import { eventually } from '../support/eventually.ts';
import { RawConnection, rawPost } from '../support/raw-http.ts';
import { TestHost } from '../support/server.ts';

/** One turn at a time, so that a second one waits. */
let model: LoadedModel;
let host: TestHost;
let server: RunningServer;
before(async () => {
  model = await load('ossia-nano', { context: 4096, maxRunning: 1 });
  host = new TestHost({ 'ossia-nano': model });
  server = await startServer({ port: 0, host });
});
after(async () => {
  await server.close();
  await model.close();
});

const endless = { model: 'ossia-nano', messages: [{ role: 'user', content: 'Hello' }], ignore_eos: true };

async function stats() {
  const found = await model.stats();
  assert.ok(found);
  return found;
}

const paths: readonly (readonly [path: string, body: object])[] = [
  ['/v1/chat/completions', endless],
  ['/v1/responses', { model: 'ossia-nano', input: 'Hello', ignore_eos: true, store: false }],
];

for (const [path, body] of paths) {
  for (const stream of [true, false]) {
    test(`who leaves ${path} ends the turn, ${stream ? 'in mid-stream' : 'before the reply'}`, async () => {
      const { cancelled, stop, length } = (await stats()).requests;
      const connection = new RawConnection(server.url).write(rawPost(path, { ...body, stream }));
      if (stream) await connection.until((text) => text.includes('data:'));
      await eventually('the turn runs', async () => (await stats()).running === 1);
      assert.deepEqual([server.turns.size, host.leases], [1, 1]);
      connection.destroy();
      await eventually('the turn is over', () => server.turns.size === 0);
      await eventually('the engine is free', async () => (await stats()).running === 0);
      await eventually('the model is given back', () => host.leases === 0);
      const after = (await stats()).requests;
      assert.deepEqual([after.cancelled, after.stop, after.length], [cancelled + 1, stop, length]);
    });
  }
}

for (const stream of [true, false]) {
  test(`who leaves while waiting for a place gives the place up${stream ? ', with a stream open' : ''}`, async () => {
    const first = new RawConnection(server.url).write(rawPost('/v1/chat/completions', { ...endless, stream: true }));
    await first.until((text) => text.includes('data:'));
    const second = new RawConnection(server.url).write(rawPost('/v1/chat/completions', { ...endless, stream }));
    await eventually('the second waits', async () => (await stats()).waiting === 1);
    second.destroy();
    await eventually('nobody waits', async () => (await stats()).waiting === 0);
    await eventually('one turn is left', () => server.turns.size === 1 && host.leases === 1);
    assert.equal((await stats()).running, 1);
    first.destroy();
    await eventually('all is free', async () => (await stats()).running === 0 && host.leases === 0);
  });
}

test('half a body and away: nothing begins', async () => {
  const connection = new RawConnection(server.url).write(rawPost('/v1/chat/completions', endless).slice(0, -10));
  await new Promise((resolve) => connection.socket.once('ready', resolve));
  connection.destroy();
  const reply = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ ...endless, ignore_eos: false, max_tokens: 40 }),
  });
  assert.equal(reply.status, 200);
  await reply.arrayBuffer();
  assert.equal(server.turns.size, 0);
});

test('a storm of clients that leave at random moments leaves nothing behind', async () => {
  const clients = Array.from({ length: 40 }, async (_, i) => {
    const body = { ...endless, stream: i % 2 === 0, max_tokens: 50 };
    const connection = new RawConnection(server.url).write(rawPost('/v1/chat/completions', body));
    await new Promise((resolve) => setTimeout(resolve, (i * 37) % 100));
    connection.destroy();
  });
  await Promise.all(clients);
  await eventually('all is free', async () => {
    const { running, waiting } = await stats();
    return running === 0 && waiting === 0 && server.turns.size === 0 && host.leases === 0;
  });
  assert.equal((await fetch(`${server.url}/ready`)).status, 200);
});
