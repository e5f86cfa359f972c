import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ModelHost, type ModelHostOptions } from '../../src/server/models/index.ts';
import { writeRandomModel } from '../support/random-model.ts';

const COMMIT = 'a'.repeat(40);
const LONG_MS = 60_000;

/** A machine with the embedded model, and a small one under the name of openai/gpt-oss-20b in the hub cache. */
function setUp(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'ossia-models-'));
  t.after(() => rmSync(home, { recursive: true }));
  const hubCache = join(home, 'hub');
  const repository = join(hubCache, 'models--openai--gpt-oss-20b');
  const snapshot = join(repository, 'snapshots', COMMIT);
  for (const directory of [snapshot, join(repository, 'refs')]) mkdirSync(directory, { recursive: true });
  writeRandomModel(snapshot, 7);
  writeFileSync(join(repository, 'refs', 'main'), COMMIT);
  const stores = { hubCache, ollamaModels: [join(home, 'ollama')], offline: true };
  const open = (options: ModelHostOptions = {}) => {
    const host = new ModelHost({
      dataDirectory: join(home, 'data'),
      ...options,
      load: { stores, threads: 1, ...(options.load ?? { context: 512 }) },
    });
    t.after(() => host.close());
    return host;
  };
  return { home, open, snapshot };
}

async function answer(host: ModelHost, name?: string): Promise<string> {
  const lease = await host.lend(name);
  try {
    let text = '';
    for await (const event of lease.model.chat('Hello', { maxTokens: 4, temperature: 0, constrain: false })) {
      if (event.type === 'text' || event.type === 'reasoning') text += event.delta;
      if (event.type === 'end') text += event.reason;
    }
    return text;
  } finally {
    lease.release();
  }
}

test('models are found by the names that people use, loaded once, and both answer', async (t) => {
  const { open } = setUp(t);
  const host = open({ aliases: { 'gpt-4o': 'gpt-oss:20b' } });
  assert.match(await answer(host), /length$/);
  const names = [
    'gpt-oss:20b',
    'openai/gpt-oss-20b',
    'GPT-OSS:20b',
    'gpt-oss:latest',
    'gpt-oss-20b',
    'gpt-4o',
    'gpt-4o:latest',
  ];
  const leases = await Promise.all(names.map((name) => host.lend(name)));
  assert.deepEqual(
    leases.map(({ name }) => name),
    names,
  );
  assert.equal(new Set(leases.map(({ model }) => model)).size, 1);
  assert.equal(leases[0]!.model.name, 'openai/gpt-oss-20b');
  assert.equal((await host.lend('ossia-nano:latest')).model.name, 'ossia-nano');
  const cards = await host.models();
  assert.deepEqual(
    cards.map(({ name, from, otherNames, origin, loaded }) => [name, from, otherNames, origin, loaded?.leases]),
    [
      ['ossia-nano', undefined, undefined, 'embedded', 1],
      ['openai/gpt-oss-20b', undefined, ['gpt-oss:20b'], 'hub', 7],
      ['gpt-4o', 'openai/gpt-oss-20b', undefined, 'hub', undefined],
    ],
  );
  assert.equal(cards[1]!.loaded?.contextLength, 512);
  assert.equal(cards[0]!.loaded?.expires, undefined, 'the default stays');
  assert.ok((cards[1]!.loaded?.expires?.getTime() ?? 0) > Date.now() + 4 * LONG_MS);
  assert.equal(
    host.memoryBytes,
    cards.reduce((sum, { loaded }) => sum + (loaded?.memoryBytes ?? 0), 0),
  );
  const stats = await host.stats();
  assert.deepEqual(
    stats.map(({ name }) => name),
    ['ossia-nano', 'openai/gpt-oss-20b'],
  );
  assert.equal(stats[0]!.stats.requests.length, 1);
});

test('a name from the network never opens a file', async (t) => {
  const { open, snapshot, home } = setUp(t);
  const path = join(home, 'my-model');
  cpSync(snapshot, path, { recursive: true });
  const host = open();
  const here = process.cwd();
  process.chdir(home); // so that `my-model` is a directory right here
  t.after(() => process.chdir(here));
  const nano = fileURLToPath(new URL('../../models/ossia-nano', import.meta.url));
  for (const name of [
    path,
    'my-model',
    './my-model',
    nano,
    '',
    '.',
    '..',
    '~',
    '__proto__',
    'constructor',
    '\0',
    'x'.repeat(1e6),
  ]) {
    await assert.rejects(host.lend(name), { code: 'api/unknown-model', status: 404 }, name.slice(0, 80));
  }
  await assert.rejects(host.lend('gpt-5'), {
    message: 'There is no model "gpt-5" here; there is ossia-nano, openai/gpt-oss-20b',
  });
  await assert.rejects(host.derived.create('x', { from: path }), { code: 'api/unknown-model' });
  assert.deepEqual(await host.stats(), [], 'nothing was loaded');
  const chosen = open({ defaultModel: './my-model' }); // what the command line names is another thing
  const lease = await chosen.lend(undefined);
  assert.deepEqual(
    [lease.name, lease.model.name, (await chosen.lend('my-model')).model === lease.model],
    ['my-model', 'my-model', true],
  );
  await assert.rejects(chosen.lend('./my-model'), { code: 'api/unknown-model' });
  assert.deepEqual(
    (await chosen.models()).map(({ name, origin }) => [name, origin]),
    [
      ['my-model', 'path'],
      ['ossia-nano', 'embedded'],
      ['openai/gpt-oss-20b', 'hub'],
    ],
  );
});

test('when memory is short the idle model goes; a context is cut to what fits, and what cannot fit is refused', async (t) => {
  const { open } = setUp(t);
  const probe = open();
  await probe.preload([undefined, 'gpt-oss:20b']);
  const sizes = (await probe.models()).map(({ loaded }) => loaded!.memoryBytes);
  await probe.close();
  const host = open({ maxMemoryBytes: Math.max(...sizes) + 1000 });
  const nano = await host.lend('ossia-nano');
  const first = nano.model;
  nano.release();
  assert.match(await answer(host, 'gpt-oss:20b'), /length$/);
  assert.match(first.failure?.code ?? '', /closed/);
  assert.deepEqual(
    (await host.models()).filter(({ loaded }) => loaded).map(({ name }) => name),
    ['openai/gpt-oss-20b'],
  );
  assert.match(await answer(host), /length$/, 'and the other way round');
  await assert.rejects(open({ maxMemoryBytes: 5_000_000 }).lend('ossia-nano'), { code: 'server/model-too-large' });
  const { kvBytesCapacity, sizeBytes } = first.info;
  const maxMemoryBytes = sizeBytes + 8 * kvBytesCapacity;
  const { info } = (await open({ maxMemoryBytes, load: {} }).lend('ossia-nano')).model;
  assert.ok(info.contextLength >= 8 * 512 && info.contextLength < 65_536, String(info.contextLength));
  assert.ok(info.sizeBytes + info.kvBytesCapacity <= maxMemoryBytes);
  assert.ok(info.sizeBytes + info.kvBytesCapacity > 0.9 * maxMemoryBytes);
});

test('keep_alive 0 and unload free the model; an engine that is gone is loaded afresh', async (t) => {
  const { open } = setUp(t);
  const host = open();
  const brief = await host.lend('gpt-oss:20b', { keepAliveMs: 0 });
  assert.ok(brief.loadMs >= 0);
  brief.release();
  await until(() => brief.model.failure !== undefined);
  const lease = await host.lend('ossia-nano');
  assert.equal(await host.unload('gpt-oss:20b'), false);
  assert.equal(await host.unload('ossia-nano'), true);
  assert.equal(lease.model.failure, undefined, 'it is lent');
  lease.release();
  await until(() => lease.model.failure !== undefined);
  await assert.rejects(host.unload('nobody'), { code: 'api/unknown-model' });
  const doomed = await host.lend('ossia-nano');
  await doomed.model.close(); // as if it had crashed
  const fresh = await host.lend('ossia-nano');
  assert.notEqual(fresh.model, doomed.model);
  doomed.release();
  assert.match(await answer(host), /length$/);
  fresh.release();
});

test('a derived model lends its base, and says what its name stands for', async (t) => {
  const { open } = setUp(t);
  const host = open();
  await host.derived.create('pirate', { from: 'gpt-oss:20b', system: 'Arr.', parameters: { temperature: 0 } });
  await assert.rejects(host.derived.create('ossia-nano', { from: 'gpt-oss:20b' }), { code: 'api/bad-request' });
  await assert.rejects(host.derived.copy('pirate', 'gpt-oss:20b'), { code: 'api/bad-request' });
  const [lease, base] = [await host.lend('pirate:latest'), await host.lend('openai/gpt-oss-20b')];
  assert.equal(lease.model, base.model);
  assert.equal(lease.name, 'pirate:latest');
  assert.deepEqual([lease.preset, base.preset], [{ system: 'Arr.', parameters: { temperature: 0 } }, undefined]);
  const card = (await host.models()).find(({ name }) => name === 'pirate');
  assert.deepEqual([card?.from, card?.loaded], ['openai/gpt-oss-20b', undefined]);
  assert.equal((await open().lend('pirate')).preset?.system, 'Arr.', 'another host reads the same file');
});

test('a default that is not there says so, and is found once it is', async (t) => {
  const { open, home, snapshot } = setUp(t);
  const path = join(home, 'later');
  const host = open({ defaultModel: path });
  await assert.rejects(host.lend(undefined), { code: 'checkpoint/not-found' });
  assert.equal((await host.models()).length, 2);
  cpSync(snapshot, path, { recursive: true });
  assert.match(await answer(host), /length$/);
  const closing = host.close(LONG_MS);
  await assert.rejects(host.lend(undefined), { code: 'server/draining' });
  await closing;
});

async function until(done: () => boolean): Promise<void> {
  const deadline = Date.now() + LONG_MS;
  while (!done()) {
    assert.ok(Date.now() < deadline, 'it took too long');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
