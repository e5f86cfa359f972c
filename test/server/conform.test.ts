import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiName, conform } from '../../src/conform/index.ts';
import {
  anthropicFaults,
  chatFaults,
  type KnownFault,
  ollamaFaults,
  responsesFaults,
} from '../support/faults/index.ts';
import { type FaultyServer, faultyServer } from '../support/faulty-server.ts';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
let faulty: FaultyServer;
before(async () => {
  server = await testServer();
  faulty = await faultyServer(server.app);
});
after(async () => {
  await faulty?.close();
  await server?.close();
  await closeNano();
});

const show = (results: readonly { readonly id: string; readonly found?: string }[]) =>
  results.map(({ id, found }) => `${id}: ${found}`).join('\n');

test('our own server keeps every contract', async () => {
  const { apis, passed, model } = await conform(server.url);
  const results = apis.flatMap((api) => api.results);
  assert.deepEqual(
    apis.map(({ api, offered }) => [api, offered]),
    [
      ['responses', true],
      ['chat', true],
      ['ollama', true],
      ['anthropic', true],
    ],
  );
  const others = results.filter(({ status }) => status !== 'pass');
  assert.equal(show(others), '');
  assert.equal(new Set(results.map(({ id }) => id)).size, results.length, 'ids differ');
  assert.deepEqual([passed, model], [results.length, 'ossia-nano']);
});

const sections: readonly (readonly [ApiName, readonly KnownFault[]])[] = [
  ['chat', chatFaults],
  ['responses', responsesFaults],
  ['ollama', ollamaFaults],
  ['anthropic', anthropicFaults],
];

/** What cannot be broken by changing replies: `conform-hostile.test.ts` has a server that does not let go; seeds are for information. */
const EXEMPT = /^\w+\.(?:cancel|seed)$|^chat\.stream\.same$/;

test('every check is broken by some fault', async () => {
  const { apis } = await conform(server.url);
  const broken = new Set(sections.flatMap(([, faults]) => faults.flatMap(({ breaks }) => breaks)));
  const ids = apis.flatMap(({ results }) => results.map(({ id }) => id));
  assert.deepEqual(
    ids.filter((id) => !broken.has(id) && !EXEMPT.test(id)),
    [],
  );
});

for (const [api, faults] of sections) {
  for (const fault of faults) {
    test(`${api}: "${fault.name}" is found by the checks that name it, and by no others`, async () => {
      faulty.fault = fault;
      const { apis } = await conform(faulty.url, { only: [api], model: 'ossia-nano' });
      const failed = apis[0]!.results.filter(({ status }) => status === 'fail');
      assert.deepEqual(failed.map(({ id }) => id).sort(), [...fault.breaks].sort(), show(failed));
    });
  }
}
