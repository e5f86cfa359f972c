import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RunningServer, startServer } from '../../src/server/index.ts';
import { RawConnection, type RawReply, rawPost } from '../support/raw-http.ts';
import { TestHost } from '../support/server.ts';

let server: RunningServer;
before(async () => {
  server = await startServer({
    port: 0,
    host: new TestHost({}),
    maxBodyBytes: 100_000,
    maxConnections: 200,
  });
});
after(() => server.close());

/** What every refusal has, whoever it comes from. */
function assertRefusal({ status, headers, body }: RawReply, expected: number): void {
  assert.equal(status, expected, body);
  assert.match(headers['content-type'] ?? '', /^application\/json/);
  assert.match(headers['x-request-id'] ?? '', /^req_[0-9a-f]{32}$/);
  const { error } = JSON.parse(body);
  assert.equal(typeof error.message, 'string');
  assert.equal(typeof error.code, 'string');
}

async function say(text: string): Promise<RawReply> {
  const connection = new RawConnection(server.url).write(text);
  try {
    return await connection.reply();
  } finally {
    connection.destroy();
  }
}

test('what is no HTTP gets a reply in JSON with an id, and the connection is closed', async () => {
  for (const [text, status] of [
    ['hello\r\n\r\n', 400],
    ['GET / HTTP/9.9\r\nhost: localhost\r\n\r\n', 400],
    ['GET /a b HTTP/1.1\r\nhost: localhost\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nhost : localhost\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
    ['POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', 400],
    [`GET / HTTP/1.1\r\nhost: localhost\r\nx-long: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
    [`GET /${'a'.repeat(40_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`, 431],
    ['CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n', 405],
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
  ] as const) {
    const connection = new RawConnection(server.url).write(text);
    const reply = await connection.reply();
    assertRefusal(reply, status);
    assert.equal(reply.headers.connection, 'close', text.slice(0, 40));
    await connection.untilClosed();
  }
});

test('a Host header or a URL that cannot be is refused in JSON', async () => {
  for (const head of [
    'GET / HTTP/1.1\r\nhost: a b',
    'GET / HTTP/1.1\r\nhost: localhost:99999',
    'GET /\\x HTTP/1.1\r\nhost: localhost',
    'GET http://[ HTTP/1.1\r\nhost: localhost',
    'GET /health HTTP/1.1\r\naccept: */*',
  ]) {
    assertRefusal(await say(`${head}\r\n\r\n`), 400);
  }
  assertRefusal(await say('GET /v1/models HTTP/1.1\r\nhost: evil.example\r\n\r\n'), 403);
});

test('HTTP/1.0 probes without a Host header, and paths with odd escapes, are answered', async () => {
  assert.equal((await say('GET /health HTTP/1.0\r\n\r\n')).status, 200);
  for (const path of ['/%', '/%zz', '/%00', '/v1/responses/%ff%fe', '/v1/responses/%2e%2e', '/..//v1//x', '/?%']) {
    const { status } = await say(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    assert.ok([200, 400, 404].includes(status), `${path}: ${status}`);
  }
});

test('what a client expects besides 100-continue is left alone', async () => {
  const { status, body } = await say('GET /health HTTP/1.1\r\nhost: localhost\r\nexpect: 200-ok\r\n\r\n');
  assert.deepEqual([status, JSON.parse(body)], [200, { status: 'ok' }]);
});

test('a request that comes too slowly is told so', async () => {
  const impatient = await startServer({ port: 0, host: new TestHost({}), bodyTimeoutMs: 500 });
  try {
    for (const text of [
      'GET /v1/models HTTP/1.1\r\nhost: loc',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"model":',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
    ]) {
      const connection = new RawConnection(impatient.url).write(text);
      assertRefusal(await connection.reply(), 408);
      await connection.untilClosed();
    }
  } finally {
    await impatient.close();
  }
});

test('unknown paths and wrong methods are refused, with the methods that would do', async () => {
  const nowhere = await fetch(`${server.url}/v2/chat`, { method: 'POST', body: '{}' });
  assert.equal(nowhere.status, 404);
  for (const [method, path, allow] of [
    ['GET', '/v1/chat/completions', 'POST'],
    ['DELETE', '/v1/responses', 'POST'],
    ['POST', '/health', 'GET, HEAD'],
    ['PUT', '/v1/models', 'GET, HEAD'],
    ['PATCH', '/v1/responses/resp_1', 'GET, HEAD, DELETE'],
  ] as const) {
    const reply = await fetch(server.url + path, { method });
    assert.deepEqual([reply.status, reply.headers.get('allow')], [405, allow], `${method} ${path}`);
    await reply.arrayBuffer();
  }
  assertRefusal(await say('BREW / HTTP/1.1\r\nhost: localhost\r\n\r\n'), 400);
  assertRefusal(await say('TRACE / HTTP/1.1\r\nhost: localhost\r\n\r\n'), 405);
  const head = await fetch(`${server.url}/v1/models`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});

test('a body that is too large is refused, announced or not, and the next request is served', async () => {
  const large = 'a'.repeat(100_001);
  const connection = new RawConnection(server.url);
  connection.write(rawPost('/v1/chat/completions', large));
  assertRefusal(await connection.reply(), 413);
  connection.destroy();
  const chunked = new RawConnection(server.url);
  chunked.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n');
  for (let i = 0; i < 11; i++) chunked.write(`2710\r\n${'a'.repeat(10_000)}\r\n`);
  assertRefusal(await chunked.reply(), 413);
  chunked.destroy();
  assert.equal((await fetch(`${server.url}/health`)).status, 200);
});

const hostile: readonly (readonly [name: string, body: string])[] = [
  ['nothing', ''],
  ['half a body', '{"model":"x","messages":['],
  ['10,000 arrays', '['.repeat(10_000)],
  ['10,000 objects', `${'{"messages":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
  ['null', 'null'],
  ['a list', '[]'],
  ['a text', '"hello"'],
  ['a number', '1e999'],
  ['wrong types', '{"model":1,"messages":{},"input":7,"prompt":{},"max_tokens":"x","stream":"yes"}'],
  ['a prototype', '{"__proto__":{"model":"x"},"constructor":{"prototype":{}}}'],
  ['bytes', '\x00\x01\xff\xfe'],
  [
    'lone surrogates',
    '{"model":"\\ud800","messages":[{"role":"user","content":"\\udfff"}],"input":"\\ud800","prompt":"\\ud800"}',
  ],
];

test('whatever body comes to whatever path, the reply is JSON, refuses it, and has an id', async () => {
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: Record<string, object> };
  const paths = Object.entries(document.paths).filter(([, operations]) => 'post' in operations);
  assert.ok(paths.length >= 6);
  for (const [path] of paths) {
    for (const [name, body] of hostile) {
      const reply = await say(rawPost(path.replaceAll(/\{\w+\}/g, 'x'), Buffer.from(body, 'utf8').toString('latin1')));
      assert.ok(
        (reply.status >= 400 && reply.status < 500) || reply.status === 501,
        `${path}, ${name}: ${reply.status} ${reply.body}`,
      );
      assert.match(reply.headers['x-request-id'] ?? '', /^req_/);
      assert.ok('error' in JSON.parse(reply.body), `${path}, ${name}: ${reply.body}`);
    }
  }
});

test('requests one behind the other on a connection are answered in order', async () => {
  const connection = new RawConnection(server.url);
  connection.write(
    ['/health', '/nowhere', '/version'].map((path) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`).join(''),
  );
  assert.deepEqual(
    [(await connection.reply()).status, (await connection.reply()).status, (await connection.reply()).status],
    [200, 404, 200],
  );
  connection.destroy();
});

test('a sane request id comes back, another one is replaced', async () => {
  const ask = async (id: string) =>
    (await fetch(`${server.url}/v1/nothing`, { headers: { 'x-request-id': id } })).headers.get('x-request-id');
  assert.equal(await ask('trace-7:a.b/c=@+'), 'trace-7:a.b/c=@+');
  for (const id of ['', 'a b', 'ä', '<script>', 'x'.repeat(129)])
    assert.match((await ask(id)) ?? '', /^req_[0-9a-f]{32}$/);
});
