import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ResponseStore, StoredResponse } from '../../api/index.ts';
import { openResponseStore } from './open.ts';

const directories: string[] = [];
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

const sqlite = await import('node:sqlite').catch(() => undefined);
const skip = sqlite === undefined ? 'this Node.js has no SQLite' : false;

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ossia-store-'));
  directories.push(directory);
  return directory;
}

const now = () => Math.floor(Date.now() / 1000);

/** `change`: fields of the response. */
function stored(id: string, change: Record<string, unknown> = {}, text = 'Hello'): StoredResponse {
  const response = {
    ...{ id, object: 'response', created_at: now(), status: 'completed', previous_response_id: null },
    ...{ output: [{ type: 'message', id: `msg_of_${id}`, role: 'assistant', status: 'completed', content: [] }] },
    ...change,
  };
  return {
    response: response as unknown as StoredResponse['response'],
    input: [{ type: 'message', id: `msg_to_${id}`, role: 'user', content: text }],
    exact: new Map([[`msg_of_${id}`, { role: 'assistant', channel: 'final', content: 'Hi', sampled: [1, 2] }]]),
    modelName: 'm',
  };
}

const event = (sequence_number: number) => ({ type: 'response.output_text.delta', sequence_number }) as never;

async function reopen(store: ResponseStore, directory: string, options = {}): Promise<ResponseStore> {
  store.close();
  return await openResponseStore({ directory, ...options });
}

test('gives back what was inserted and updated, also to the next process', { skip }, async () => {
  const directory = newDirectory();
  let store = await openResponseStore({ directory });
  const first = stored('resp_1');
  store.insert(first);
  store.insert(stored('resp_2', { status: 'in_progress', output: [] }));
  assert.equal(store.update(stored('resp_2'), [event(0), event(1)]), true);
  assert.equal(store.update(stored('resp_3')), false, 'what is not there cannot be updated');
  const { secret } = store;
  store = await reopen(store, directory);
  assert.deepEqual(store.secret, secret);
  assert.deepEqual(store.get('resp_1'), first);
  assert.deepEqual(store.events('resp_2'), [event(0), event(1)]);
  assert.equal(store.events('resp_1'), undefined);
  assert.equal(store.get('resp_3'), undefined);
  assert.deepEqual(store.item('msg_of_resp_2')?.exact, stored('resp_2').exact.get('msg_of_resp_2'));
  assert.equal(store.item('msg_to_resp_1')?.item.content, 'Hello');
  assert.equal(store.item('msg_nowhere'), undefined);
  store.close();
});

test('what ran when the process ended has failed, and says why', { skip }, async () => {
  const directory = newDirectory();
  let store = await openResponseStore({ directory });
  for (const status of ['queued', 'in_progress', 'completed']) store.insert(stored(`resp_${status}`, { status }));
  store = await reopen(store, directory);
  const statusOf = (id: string) => store.get(id)?.response.status;
  assert.deepEqual(
    ['queued', 'in_progress', 'completed'].map((id) => statusOf(`resp_${id}`)),
    [...['failed', 'failed', 'completed']],
  );
  assert.equal(store.get('resp_queued')?.response.error?.code, 'server_error');
  store.close();
});

test('a second server is kept from the file, and told why', { skip }, async () => {
  const directory = newDirectory();
  const store = await openResponseStore({ directory });
  await assert.rejects(openResponseStore({ directory }), { code: 'server/store-failed', message: /another server/ });
  store.insert(stored('resp_1'));
  (await reopen(store, directory)).close();
});

test('of what is deleted nothing remains in the files', { skip }, async () => {
  const directory = newDirectory();
  const store = await openResponseStore({ directory });
  const secretText = 'the-word-that-must-go';
  const isThere = () => readdirSync(directory).some((name) => readFileSync(join(directory, name)).includes(secretText));
  store.insert(stored('resp_1', {}, secretText));
  store.update(stored('resp_1', {}, secretText), [event(0)]);
  assert.equal(isThere(), true);
  assert.equal(store.delete('resp_1'), true);
  assert.equal(store.delete('resp_1'), false);
  assert.equal(isThere(), false);
  assert.equal(store.item('msg_of_resp_1'), undefined);
  assert.equal(store.events('resp_1'), undefined);
  store.close();
});

test('old responses go, but not those that a younger one goes on from', { skip }, async () => {
  const directory = newDirectory();
  let store = await openResponseStore({ directory });
  const old = now() - 40 * 86_400;
  store.insert(stored('resp_old', { created_at: old }));
  store.insert(stored('resp_root', { created_at: old }));
  store.insert(stored('resp_middle', { created_at: old, previous_response_id: 'resp_root' }));
  store.insert(stored('resp_young', { previous_response_id: 'resp_middle' }));
  store.insert(stored('resp_side', { created_at: old, previous_response_id: 'resp_root' }));
  store = await reopen(store, directory);
  const ids = ['old', 'root', 'middle', 'young', 'side'];
  assert.deepEqual(
    ids.filter((id) => store.get(`resp_${id}`)),
    ['root', 'middle', 'young'],
  );
  store = await reopen(store, directory, { days: 50 });
  assert.ok(store.get('resp_root'));
  store.close();
});

test('the oldest go when the file grows too large, and the file shrinks', { skip }, async () => {
  const directory = newDirectory();
  let store = await openResponseStore({ directory });
  const text = 'x'.repeat(10_000);
  for (let i = 0; i < 300; i++) store.insert(stored(`resp_${i}`, { created_at: now() - 1000 + i }, text));
  store = await reopen(store, directory, { maxBytes: 2_000_000 });
  assert.equal(store.get('resp_0'), undefined);
  assert.ok(store.get('resp_299'));
  store.close();
  assert.ok(statSync(join(directory, 'responses.db')).size <= 2_000_000);
});

test('a file that is no database is refused, and left alone', { skip }, async () => {
  const directory = newDirectory();
  const file = join(directory, 'responses.db');
  writeFileSync(file, 'These are the notes of somebody else, and not to be touched.'.repeat(50));
  const before = readFileSync(file);
  await assert.rejects(openResponseStore({ directory }), { code: 'server/store-failed' });
  assert.deepEqual(readFileSync(file), before);
});

test('the file of a later version is refused', { skip }, async () => {
  const directory = newDirectory();
  (await openResponseStore({ directory })).close();
  const database = new sqlite!.DatabaseSync(join(directory, 'responses.db'));
  database.exec('PRAGMA user_version = 1000');
  database.close();
  await assert.rejects(openResponseStore({ directory }), { code: 'server/store-failed', message: /later version/ });
});

test('nobody but its owner may read the file', { skip: skip || process.platform === 'win32' }, async () => {
  const directory = newDirectory();
  const store = await openResponseStore({ directory });
  store.insert(stored('resp_1'));
  for (const name of readdirSync(directory)) assert.equal(statSync(join(directory, name)).mode & 0o077, 0, name);
  store.close();
});
