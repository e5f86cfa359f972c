import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { openContext } from '../src/cli/context.ts';
import { createProgram } from '../src/cli/program.ts';
import { Channel } from '../src/cli/terminal.ts';
import { ModelHost } from '../src/server/models/index.ts';
import { testServer } from './support/server.ts';

const host = new ModelHost({ load: { context: 1024, threads: 1 } });
const server = await testServer({ models: {}, context: { host } });
after(async () => {
  await server.close();
  await host.close();
});

const base = openContext({ OSSIA_HOST: server.url });

/** Runs a command in this process; what it printed. */
async function run(...args: string[]): Promise<string> {
  const stream = new PassThrough();
  const channel = new Channel(stream as unknown as NodeJS.WriteStream, false);
  const context = {
    ...base,
    terminal: { out: channel, err: channel, interactive: false },
  };
  await createProgram(context).parseAsync(['node', 'ossia', ...args]);
  stream.end();
  return (await stream.toArray()).join('');
}

test('ps shows what a server has loaded, and stop unloads it', async () => {
  assert.equal(await run('ps'), 'NAME  SIZE  BACKEND  CONTEXT  IN USE  UNTIL\n');
  const lease = await host.lend('ossia-nano');
  const [, line = ''] = (await run('ps')).split('\n');
  assert.match(line, /^ossia-nano +[\d.]+ MiB +(?:cpu|reference): .* 1024 +1 +forever$/);
  const json: unknown = JSON.parse(await run('ps', '--json'));
  assert.equal((json as { name: string }).name, 'ossia-nano');
  assert.equal(await run('stop', 'ossia-nano'), '');
  assert.match(await run('ps'), /ossia-nano .* 1 +stopping\n/, 'it is in use');
  lease.release();
  assert.equal((await run('ps')).split('\n').length, 2, 'only the header');
  (await host.lend('ossia-nano', { keepAliveMs: 90_000 })).release();
  assert.match(await run('ps'), /ossia-nano .* 0 +in 1m \d\ds\n/);
  await host.derived.create('pirate', { from: 'ossia-nano', system: 'Arr.' });
  await run('stop', 'pirate');
  assert.equal((await run('ps')).split('\n').length, 2, 'its base is what was loaded');
});

test('a model that is not there, and a server that is not there', async () => {
  await assert.rejects(run('stop', 'gpt-5'), { code: 'cli/server-refused', message: /404.*gpt-5.*not found/ });
  await assert.rejects(run('ps', '--host', '127.0.0.1:1'), { code: 'cli/no-server' });
  await assert.rejects(run('ps', '--host', 'ftp://x'), { code: 'cli/usage' });
});
