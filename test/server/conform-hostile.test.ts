import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type ConformOptions, conform } from '../../src/conform/index.ts';

type Reply = (response: ServerResponse) => void;

async function against<T>(reply: (path: string, body: string) => Reply, use: (url: string) => Promise<T>): Promise<T> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += piece));
    request.on('end', () => reply(request.url ?? '', body)(response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const send =
  (body: string, type = 'application/json', status = 200): Reply =>
  (response) =>
    response.writeHead(status, { 'content-type': type }).end(body);

/** What servers have been seen to say, and worse. */
const REPLIES: readonly Reply[] = [
  ...['null', '[]', '7', '"x"', '{}', '', '{"choices":null}', '{"choices":[null]}', '{"output":[null]}'].map((body) =>
    send(body),
  ),
  ...['{"message":null,"done":true}', '{"content":[null]}', '{"data":[null]}', '{"models":[7]}', '{"usage":7}'].map(
    (body) => send(body),
  ),
  ...[
    'data: null\n\n',
    'data: {}\n\ndata: [DONE]\n\n',
    'data: 7\n\n',
    'data: {"choices":[{"delta":null}]}\n\n',
    ': hi\n\n',
  ].map((body) => send(body, 'text/event-stream')),
  ...['event: x\ndata: {"type":"response.created"}\n\n', 'data: {"type":7}\n\n'].map((body) =>
    send(body, 'text/event-stream'),
  ),
  ...['null\n{}\n', '{"done":true}\n', 'x\n'].map((body) => send(body, 'application/x-ndjson')),
  send('<html>', 'text/html'),
  send('<html>', 'text/html', 502),
  send('{"error":null}', 'application/json', 400),
  (response) => response.destroy(),
  (response) => response.writeHead(200, { 'content-length': '100' }).write('{"id":', () => response.destroy()),
];

const options: ConformOptions = { model: 'gpt-oss', timeoutMs: 5_000 };

const PATHS = ['/v1/responses', '/v1/chat/completions', '/api/chat', '/v1/messages'];

for (const [i, reply] of REPLIES.entries()) {
  test(`a server that gives nonsense is told so (${i + 1} of ${REPLIES.length})`, async () => {
    const unseen = new Set(PATHS); // the first request to each is refused: that is how an API is found
    const refuse = send('{"error":"x"}', 'application/json', 400);
    const { failed, apis } = await against(
      (path) => (unseen.delete(path) ? refuse : reply),
      (url) => conform(url, options),
    );
    assert.ok(apis.every(({ offered }) => offered));
    assert.ok(failed > 60, `${failed} broken`);
  });
}

test('a server that never answers is given up on', async () => {
  const unseen = new Set(PATHS);
  const only = ['chat'] as const;
  const report = await against(
    (path) => (unseen.delete(path) ? send('{}', 'application/json', 400) : () => {}),
    (url) => conform(url, { ...options, only, timeoutMs: 50 }),
  );
  assert.match(report.apis[0]!.results[0]!.found ?? '', /no whole answer within 0.05 seconds/);
  assert.equal(report.passed, 0);
});

test('a server that begins a stream and falls silent is given up on', async () => {
  const unseen = new Set(PATHS);
  const begin: Reply = (response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {}\n\n');
  const report = await against(
    (path) => (unseen.delete(path) ? send('{}', 'application/json', 400) : begin),
    (url) => conform(url, { ...options, only: ['anthropic'], timeoutMs: 1000 }),
  );
  const { results } = report.apis[0]!;
  assert.equal(report.passed, 0);
  assert.deepEqual([results.at(-1)?.status, results.at(-1)?.found], ['skip', 'the server has stopped answering']);
});

test('a server that waits for a client who has left is found', async () => {
  let isStuck = false;
  const story: Reply = (response) => {
    isStuck = true; // its only slot is taken, and stays so
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {}\n\n');
  };
  const { apis } = await against(
    (_, body) => (isStuck ? () => {} : body.includes('long story') ? story : send('{}')),
    (url) => conform(url, { ...options, only: ['chat'], timeoutMs: 1000 }),
  );
  const { status, found = '' } = apis[0]!.results.find(({ id }) => id === 'chat.cancel')!;
  assert.deepEqual([status, /no whole answer/.test(found)], ['fail', true], found);
});

test('an API that is not there is not tried', async () => {
  for (const reply of [
    send('Not found', 'text/plain', 404),
    send('{"error":"Unexpected endpoint or method. (POST /v1/x)"}'),
  ]) {
    const { apis, failed, passed } = await against(
      () => reply,
      (url) => conform(url, options),
    );
    assert.ok(apis.every(({ offered, results }) => !offered && results.length === 0));
    assert.deepEqual([failed, passed], [0, 0]);
  }
});

test('nobody there, and no model there, are errors of their own', async () => {
  const closed = await against(
    () => send(''),
    async (url) => url,
  );
  await assert.rejects(conform(closed), { code: 'conform/unreachable' });
  await assert.rejects(
    against(
      () => send('{"data":[]}'),
      (url) => conform(url),
    ),
    { code: 'conform/no-model' },
  );
});

test('the model to ask is the first that is listed, by either list', async () => {
  const lists: Readonly<Record<string, string>> = { '/api/tags': '{"models":[{"name":"m:1"}]}' };
  const ask = (other: Readonly<Record<string, string>>) =>
    against(
      (path) =>
        send({ ...lists, ...other }[path] ?? '', 'application/json', path in { ...lists, ...other } ? 200 : 404),
      (url) => conform(`${url}/v1/`),
    );
  assert.equal((await ask({})).model, 'm:1');
  assert.equal((await ask({ '/v1/models': '{"data":[{"id":"n"}]}' })).model, 'n');
});
