import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/store-fixtures.ts';
import { StoreLock } from './lock.ts';

test('one holds the lock, the next is told who, and after the release it is free', async (t) => {
  const path = join(await temporaryDirectory(t), 'deep', 'a.lock');
  const lock = await StoreLock.acquire(path, 'a model');
  await assert.rejects(StoreLock.acquire(path, 'a model'), { code: 'store/busy', message: /a model.*process \d+/ });
  await lock.check();
  await lock.release();
  await (await StoreLock.acquire(path, 'a model')).release();
  assert.deepEqual(await readdir(join(path, '..')), []);
});

test('the lock of a process that has died is taken over at once', async (t) => {
  const path = join(await temporaryDirectory(t), 'a.lock');
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  await writeFile(path, JSON.stringify({ pid: child.pid, host: hostname(), id: 'dead' }));
  await (await StoreLock.acquire(path, 'a model')).release();
});

test('a lock from another machine, or half written, counts until its heartbeat has stopped for a minute', async (t) => {
  const path = join(await temporaryDirectory(t), 'a.lock');
  for (const content of [JSON.stringify({ pid: 1, host: 'elsewhere', id: 'x' }), '{"pi']) {
    await writeFile(path, content);
    await assert.rejects(StoreLock.acquire(path, 'a model'), { code: 'store/busy' });
    const old = new Date(Date.now() - 61_000);
    await utimes(path, old, old);
    await (await StoreLock.acquire(path, 'a model')).release();
  }
});

test('one that lost its lock while asleep notices, and does not release what is not its own', async (t) => {
  const path = join(await temporaryDirectory(t), 'a.lock');
  const sleeper = await StoreLock.acquire(path, 'a model');
  const old = new Date(Date.now() - 61_000);
  await utimes(path, old, old);
  const other = await StoreLock.acquire(path, 'a model');
  await assert.rejects(sleeper.check(), { code: 'store/busy' });
  await sleeper.release();
  await other.check();
  await other.release();
});

test('of many that come at the same time one gets the lock', async (t) => {
  const path = join(await temporaryDirectory(t), 'a.lock');
  await writeFile(path, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), id: 'dead' }));
  const tries = await Promise.allSettled(Array.from({ length: 17 }, () => StoreLock.acquire(path, 'a model')));
  const locks = tries.filter((result) => result.status === 'fulfilled');
  assert.equal(locks.length, 1);
  await locks[0]?.value.release();
});
