import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chatFaults } from '../support/faults/index.ts';
import { type FaultyServer, faultyServer } from '../support/faulty-server.ts';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

const COMMAND = fileURLToPath(new URL('../../bin/ossia.js', import.meta.url));

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

function conform(...args: string[]): Promise<{ readonly code: unknown; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [COMMAND, 'conform', ...args], (_, out, err) => {
      resolve({ code: child.exitCode, out, err });
    });
  });
}

test('all kept: every check has a line, and the exit code is 0', async () => {
  const { code, out, err } = await conform(server.url, '--only', 'chat,anthropic');
  assert.deepEqual([code, err], [0, ''], out);
  assert.match(out, /^OpenAI Chat Completions\n {2}✓ chat\.answers +a question is answered\n/);
  assert.match(out, /\n\nAnthropic Messages\n {2}✓ /);
  assert.match(out, /ossia-nano\n\d+ kept, 0 broken, 0 not tried\n$/);
});

test('one broken: it says what was found and whom it breaks, and the exit code is 1', async () => {
  faulty.fault = chatFaults.find(({ breaks }) => breaks.includes('chat.stream.role'));
  const { code, out } = await conform(faulty.url, '--only', 'chat', '--model', 'ossia-nano');
  assert.equal(code, 1);
  assert.match(out, /✗ chat\.stream\.role .*\n +found: the first delta is \{.*\n +breaks: openai/);
  assert.match(out, / 1 broken, 0 not tried\n$/);
});

test('--json is one object with all results', async () => {
  faulty.fault = chatFaults.find(({ breaks }) => breaks.includes('chat.stream.role'));
  const { code, out } = await conform(faulty.url, '--only', 'chat', '--json');
  const report = JSON.parse(out);
  assert.deepEqual([code, report.failed, report.apis.length, report.model], [1, 1, 1, 'ossia-nano']);
  const { id, status, found } = report.apis[0].results.find((result: { status: string }) => result.status === 'fail');
  assert.deepEqual([id, status, typeof found], ['chat.stream.role', 'fail', 'string']);
});

test('wrong use and an empty address are told apart', async () => {
  const wrong = await conform(server.url, '--only', 'soap');
  assert.deepEqual([wrong.code, wrong.out], [2, '']);
  assert.match(wrong.err, /responses, chat, ollama, anthropic/);
  await server.close();
  const nobody = await conform(server.url);
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /conform\/unreachable/);
});
