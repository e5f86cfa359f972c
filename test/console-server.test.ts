import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Host, ModelList, PullState, Stats, StatsSample } from '../src/api/index.ts';
import { OssiaError } from '../src/base/index.ts';
import type { PullEvent } from '../src/checkpoint/index.ts';
import { consolePages } from '../src/server/console/index.ts';
import { type ServeOptions, startServer } from '../src/server/index.ts';
import { appWith } from '../src/server/testing.ts';
import type { Tool } from '../src/tools/index.ts';
import { live, post, refusal, turn } from './support/console.ts';
import { eventually } from './support/eventually.ts';
import { RawConnection } from './support/raw-http.ts';
import { closeNano, nano, TestHost } from './support/server.ts';
import { sseEvents } from './support/sse.ts';

const folder = mkdtempSync(join(tmpdir(), 'ossia-console-'));
after(async () => {
  await closeNano();
  rmSync(folder, { recursive: true });
});

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const SCRIPT = `export const text = ${JSON.stringify('well compressible '.repeat(200))};\n`;

/** A folder as the build leaves one. */
function built(name: string, files: Readonly<Record<string, string>> = {}): string {
  const root = join(folder, name);
  const all = {
    'index.html': '<!doctype html><title>Ossia</title>',
    'assets/index-4fe2a1b0.js': SCRIPT,
    'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
    '.hidden.svg': 'secret',
    'data.json': '{"secret":true}',
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

function appOf(root: string) {
  return appWith([], undefined, [consolePages(root)]);
}

async function withServer(options: ServeOptions, use: (url: string) => Promise<void>): Promise<void> {
  const server = await startServer({ port: 0, host: new TestHost({ 'ossia-nano': await nano() }), ...options });
  try {
    await use(server.url);
  } finally {
    await server.close();
  }
}

test('browsers get the page at the views of the console, others the line of text that they look for', async () => {
  const app = appOf(built('views'));
  for (const path of ['/', '/chat', '/chat/abc', '/inspector', '/models', '/dashboard/x?range=1h']) {
    const reply = await app.request(path, { headers: HTML });
    assert.equal(reply.status, 200, path);
    assert.match(await reply.text(), /<title>Ossia/);
    const policy = reply.headers.get('content-security-policy')!;
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.match(reply.headers.get('vary')!, /Accept\b/);
  }
  assert.match(await (await app.request('/')).text(), /^Ossia is running/);
  for (const path of ['/chat', '/chatter', '/nowhere', '/assets/none-12345678.js', '/none.svg', '/data.json']) {
    assert.equal((await app.request(path, path === '/chat' ? {} : { headers: HTML })).status, 404, path);
  }
});

test('files come compressed as they are asked for, with a tag, and for good where their name has a hash', async () => {
  const app = appOf(built('assets'));
  const get = (headers: Record<string, string>) => app.request('/assets/index-4fe2a1b0.js', { headers });
  const plain = await get({});
  assert.equal(await plain.text(), SCRIPT);
  assert.equal(plain.headers.get('content-type'), 'text/javascript; charset=utf-8');
  assert.equal(plain.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  const brotli = await get({ 'accept-encoding': 'gzip, br;q=0.9' });
  assert.equal(brotli.headers.get('content-encoding'), 'br');
  assert.equal(brotliDecompressSync(Buffer.from(await brotli.arrayBuffer())).toString(), SCRIPT);
  const gzip = await get({ 'accept-encoding': 'br;q=0, gzip' });
  assert.equal(gzip.headers.get('content-encoding'), 'gzip');
  assert.equal(gunzipSync(Buffer.from(await gzip.arrayBuffer())).toString(), SCRIPT);
  const etag = plain.headers.get('etag')!;
  for (const tags of [etag, `"other", ${etag}`]) assert.equal((await get({ 'if-none-match': tags })).status, 304);
  assert.equal((await get({ 'if-none-match': '"other"' })).status, 200);
  assert.equal((await app.request('/icon.svg')).headers.get('cache-control'), 'no-cache');
  const head = await app.request('/icon.svg', { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});

test('what was built again is read again, and what was not built says how', async () => {
  const root = built('again');
  const app = appOf(root);
  const title = async () => await (await app.request('/', { headers: HTML })).text();
  assert.match(await title(), /Ossia/);
  writeFileSync(join(root, 'index.html'), '<title>Newer</title>');
  utimesSync(join(root, 'index.html'), new Date(), new Date(Date.now() + 5000));
  assert.match(await title(), /Newer/);
  const missing = await appOf(join(folder, 'nowhere')).request('/', { headers: HTML });
  assert.deepEqual([missing.status, missing.headers.get('content-type')], [503, 'text/html; charset=utf-8']);
  assert.match(await missing.text(), /npm run build/);
});

test('no path leads out of the folder, whatever it is written like', async (t) => {
  const root = built('walls');
  writeFileSync(join(folder, 'secret.svg'), 'secret');
  symlinkSync(join(folder, 'secret.svg'), join(root, 'assets', 'link-12345678.svg'));
  const app = appOf(root);
  const hostname = '127.0.0.1';
  const { serve } = await import('@hono/node-server');
  const server = serve({ fetch: app.fetch, hostname, port: 0 });
  t.after(() => new Promise((resolve) => server.close(resolve)));
  await eventually('listening', () => server.listening);
  const { port } = server.address() as { port: number };
  for (const path of [
    '/assets/../../secret.svg',
    '/assets/..%2f..%2fsecret.svg',
    '/assets/..%5c..%5csecret.svg',
    '/assets/%2e%2e/%2e%2e/secret.svg',
    '/assets/%252e%252e%252fsecret.svg',
    '/assets//../secret.svg',
    `/assets/${encodeURIComponent(join(folder, 'secret.svg'))}`,
    '/..%2fsecret.svg',
    '/.hidden.svg',
    '/assets/link-12345678.svg',
    '/assets/%00.svg',
    '/assets/%ff.svg',
    '/assets/__proto__',
    '/assets/constructor',
  ]) {
    const connection = new RawConnection(`http://${hostname}:${port}`);
    connection.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    const reply = await connection.untilClosed();
    assert.match(reply, /^HTTP\/1\.1 404/, path);
    assert.ok(!reply.includes('secret\n') && !/\r\n\r\nsecret/.test(reply), path);
  }
});

test('the page needs no key, and all that it asks for does; without the console neither is there', async () => {
  await withServer({ apiKeys: ['k1'] }, async (url) => {
    for (const path of ['/', '/chat', '/inspector/x']) {
      assert.notEqual((await fetch(url + path, { headers: HTML })).status, 401, path);
    }
    assert.equal((await fetch(`${url}/assets/none-12345678.js`)).status, 404);
    for (const path of ['/', '/ossia/models', '/ossia/stats', '/ossia/tools', '/ossia/stats/live', '/models.json']) {
      const refused = await fetch(url + path);
      assert.equal(refused.status, 401, path);
      await refused.arrayBuffer();
    }
    const { code } = await refusal(await post(`${url}/ossia/turns`, {}));
    assert.equal(code, 'server/unauthorized');
    const foreign = {
      headers: { 'content-type': 'application/json', origin: 'https://evil.example', 'x-api-key': 'k1' },
    };
    assert.equal((await refusal(await post(`${url}/ossia/turns`, {}, foreign))).code, 'server/forbidden-origin');
  });
  await withServer({ console: false }, async (url) => {
    assert.match(await (await fetch(url, { headers: HTML })).text(), /^Ossia is running/);
    assert.equal((await fetch(`${url}/ossia/models`)).status, 404);
    assert.equal((await fetch(`${url}/chat`, { headers: HTML })).status, 404);
  });
});

test('every reply tells browsers to keep it to its own origin', async () => {
  await withServer({}, async (url) => {
    for (const path of ['/', '/ossia/models', '/v1/models']) {
      const { headers } = await fetch(url + path, { headers: HTML });
      assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin', path);
      assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.match(headers.get('content-security-policy')!, /default-src 'none'.*frame-ancestors 'none'/);
    }
  });
});

test('turns of the console count as its own in the metrics, and show in the samples', async () => {
  await withServer({}, async (url) => {
    const events = live(
      await post(`${url}/ossia/turns`, { messages: [{ role: 'user', content: 'Hi' }], conversation: 'c' }),
    );
    let outputTokens = 0;
    for await (const event of events) if (event.type === 'usage') outputTokens = event.outputTokens;
    assert.match(
      await (await fetch(`${url}/metrics`)).text(),
      /ossia:turns_running\{model_name="[^"]+",api="console"\} 0/,
    );
    const samples = async () => ((await (await fetch(`${url}/ossia/stats`)).json()) as Stats).samples;
    await eventually('a sample of the turn', async () => (await samples()).some(({ requestMs }) => requestMs !== null));
    const all = await samples();
    const told = all.find(({ requestMs }) => requestMs !== null)!;
    assert.ok(told.firstTokenMs!.p50 <= told.requestMs!.p50 && told.requestsPerSecond > 0);
    assert.ok(all.reduce((sum, { outputTokensPerSecond }) => sum + outputTokensPerSecond, 0) > outputTokens / 3);
    assert.ok(told.kvBytesCapacity > 0 && told.residentBytes > 1e7);
    assert.equal(told.errorsPerSecond, 0);
    const [{ at }] = all.slice(-1) as [StatsSample];
    const later = (await (await fetch(`${url}/ossia/stats?since=${at}`)).json()) as Stats;
    assert.ok(later.samples.every((sample) => sample.at > at) && later.now >= at && later.started <= at);
    for (const query of ['step=2', 'step=x', 'since=-1', 'since=', 'since=NaN', 'step=1e9']) {
      assert.equal((await refusal(await fetch(`${url}/ossia/stats?${query}`))).status, 400, query);
    }
    assert.deepEqual(((await (await fetch(`${url}/ossia/stats?step=60`)).json()) as Stats).samples, []);
  });
});

test('samples come live, and a server that ends waits for no one who watches', async (t) => {
  const server = await startServer({ port: 0, host: new TestHost({ 'ossia-nano': await nano() }) });
  t.after(() => server.close());
  const leaving = new AbortController();
  const [one, other] = await Promise.all([
    fetch(`${server.url}/ossia/stats/live`),
    fetch(`${server.url}/ossia/stats/live`, { signal: leaving.signal }),
  ]);
  const reader = other.body!.getReader();
  await reader.read();
  leaving.abort();
  const text = one.text();
  const closed = server.close({ drainMs: 600_000 });
  const samples = sseEvents(await text).map(({ data }) => JSON.parse(data) as StatsSample);
  assert.ok(samples.length > 0 && samples.every(({ at }) => at > 0));
  await closed;
});

test('models are told with their shape, what they take, and what can be had', async () => {
  const server = await startServer({ port: 0, load: { stores: { hubCache: join(folder, 'hub'), ollamaModels: [] } } });
  try {
    const list = async () => (await (await fetch(`${server.url}/ossia/models`)).json()) as ModelList;
    const { models, machine, known, pulls } = await list();
    const [model] = models;
    assert.deepEqual([model!.name, model!.isDefault, model!.origin], ['ossia-nano', true, 'embedded']);
    assert.deepEqual(model!.shape, { layers: 4, experts: 16, picked: 4, contextLength: 131_072 });
    const { experts, dense, kvCache } = model!.estimate!.memory;
    assert.ok(model!.estimate!.fits && experts > 0 && dense > 0 && kvCache > 0);
    assert.ok(Math.abs(experts + dense - model!.sizeBytes) < 200_000); // the rest is its tokenizer and headers
    assert.equal(model!.loaded!.contextLength, 131_072);
    assert.ok(machine.memoryBytes > 0 && machine.freeDiskBytes! > 0 && machine.threads > 0);
    assert.deepEqual(
      known.slice(0, 2).map(({ name }) => name),
      ['gpt-oss:20b', 'gpt-oss:120b'],
    );
    assert.deepEqual(pulls, []);
    await eventually('measured', async () => (await list()).machine.bandwidthBytesPerSecond !== undefined);
    assert.ok((await list()).models[0]!.estimate!.decodeTokensPerSecond! > 1);
    const ask = async (what: string) =>
      await (await post(`${server.url}/ossia/models/${what}`, { name: 'ossia-nano' })).json();
    assert.deepEqual(await ask('unload'), { ok: true });
    assert.equal((await list()).models[0]!.loaded, undefined);
    assert.deepEqual(await ask('unload'), { ok: true });
    assert.deepEqual(await ask('load'), { ok: true });
    assert.equal((await list()).models[0]!.loaded!.leases, 0);
    for (const what of ['load', 'unload']) {
      for (const name of ['nope', '../../etc/passwd', '/etc/passwd', 'x'.repeat(200)]) {
        const { status } = await refusal(await post(`${server.url}/ossia/models/${what}`, { name }));
        assert.equal(status, 404, `${what} ${name}`);
      }
    }
  } finally {
    await server.close();
  }
});

/** A host whose downloads do as they are told. */
class PullingHost extends TestHost implements Host {
  readonly names: string[] = [];
  step: () => void = () => {};
  failure: Error | undefined;

  async *pull(name: string, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<PullEvent, void, undefined> {
    this.names.push(name);
    const wait = () =>
      new Promise<void>((resolve, reject) => {
        this.step = resolve;
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    yield { type: 'plan', repository: name, commit: 'c', files: [], totalBytes: 100, presentBytes: 10 };
    await wait();
    const bytes = { fileDoneBytes: 40, fileTotalBytes: 90, doneBytes: 50, totalBytes: 100, bytesPerSecond: 7 };
    yield { type: 'progress', file: 'model.safetensors', ...bytes, secondsLeft: 7 };
    await wait();
    if (this.failure) throw this.failure;
  }
}

test('a download goes on when nobody looks, is told as it goes, and is one however often it is asked for', async () => {
  const host = new PullingHost({ 'ossia-nano': await nano() });
  await withServer({ host }, async (url) => {
    const pull = async (name: string) => await post(`${url}/ossia/models/pull`, { name });
    const states = async () => ((await (await fetch(`${url}/ossia/models`)).json()) as ModelList).pulls;
    const first = await pull('gpt-oss:20b');
    assert.equal(first.status, 202);
    assert.equal(((await first.json()) as PullState).status, 'running');
    await eventually('planned', async () => (await states())[0]?.totalBytes === 100);
    assert.equal(((await (await pull('gpt-oss-20b')).json()) as PullState).doneBytes, 10);
    assert.deepEqual(host.names, ['gpt-oss:20b']);
    host.step();
    await eventually('half', async () => (await states())[0]?.doneBytes === 50);
    const [half] = await states();
    assert.deepEqual([half!.file, half!.bytesPerSecond], ['model.safetensors', 7]);
    host.step();
    await eventually('done', async () => (await states())[0]?.status === 'done');
    assert.deepEqual(await states(), [
      { name: 'gpt-oss:20b', status: 'done', doneBytes: 100, totalBytes: 100, bytesPerSecond: 0 },
    ]);
    const cancel = (name: string) => post(`${url}/ossia/models/pull/cancel`, { name });
    assert.equal((await refusal(await cancel('gpt-oss:20b'))).status, 404);
    await pull('owner/other');
    assert.deepEqual(await (await cancel('owner/other')).json(), { ok: true });
    await eventually('cancelled', async () => (await states()).at(-1)?.status === 'cancelled');
    host.failure = new OssiaError('store/disk-full', 'No room');
    await pull('owner/third');
    await eventually('planned', async () => (await states()).at(-1)?.totalBytes === 100);
    host.step();
    await eventually('half', async () => (await states()).at(-1)?.doneBytes === 50);
    host.step();
    await eventually('failed', async () => (await states()).at(-1)?.status === 'failed');
    assert.equal((await states()).at(-1)!.error!.code, 'store/disk-full');
    for (const name of ['a/1', 'a/2', 'a/3']) assert.equal((await pull(name)).status, 202);
    assert.equal((await refusal(await pull('a/4'))).status, 429);
  }); // and the server's end ends them
});

test('a server that downloads nothing says so', async () => {
  await withServer({}, async (url) => {
    const { status, code } = await refusal(await post(`${url}/ossia/models/pull`, { name: 'gpt-oss:20b' }));
    assert.deepEqual([status, code], [501, 'api/unsupported']);
  });
});

test('tools are told with what they offer, and why one cannot be used', async () => {
  const tool = (more: Partial<Tool> & { readonly name: string }): Tool => ({
    call: async () => ({ text: '' }),
    close: async () => {},
    ...more,
  });
  const tools = [
    tool({ name: 'browser', builtin: 'browser', details: ['offline: 23 pages'], reachesOut: true }),
    tool({ name: 'mcp:files', functions: async () => [{ name: 'read' }, { name: 'list' }], needsApproval: () => true }),
    tool({ name: 'mcp:gone', functions: () => Promise.reject(new Error('connection refused')) }),
  ];
  await withServer({ tools }, async (url) => {
    const told = ((await (await fetch(`${url}/ossia/tools`)).json()) as { tools: Record<string, unknown>[] }).tools;
    assert.deepEqual(
      told.map(({ description: _, ...state }) => ({ problem: undefined, ...state })),
      [
        {
          name: 'browser',
          kind: 'browser',
          details: ['offline: 23 pages'],
          problem: undefined,
          asksFirst: false,
          reachesOut: true,
        },
        {
          name: 'mcp:files',
          kind: 'mcp',
          details: ['read', 'list'],
          problem: undefined,
          asksFirst: true,
          reachesOut: false,
        },
        {
          name: 'mcp:gone',
          kind: 'mcp',
          details: [],
          problem: 'connection refused',
          asksFirst: false,
          reachesOut: false,
        },
      ],
    );
  });
});

test('a turn of the console runs through the whole server', async () => {
  await withServer({}, async (url) => {
    const events = await turn(url, { trace: true, options: { maxTokens: 20 } });
    assert.equal(events.at(-1)!.type, 'end');
  });
});
