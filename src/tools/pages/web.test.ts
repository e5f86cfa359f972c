import assert from 'node:assert/strict';
import type { lookup } from 'node:dns';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { PageError } from './page.ts';
import { type TestSite, testSite } from './testing.ts';
import { openWeb, type WebOptions } from './web.ts';

const never = new AbortController().signal;

function fetcher(site: TestSite, options: WebOptions = {}) {
  const fetchPage = openWeb({ allowPrivate: [site.host], ...options });
  return (path: string) => fetchPage(site.url + path, never);
}

function pageError(message: RegExp) {
  return (error: unknown) => error instanceof PageError && message.test(error.message);
}

/** A resolver that knows these names. */
function names(known: Readonly<Record<string, readonly string[]>>): typeof lookup {
  const resolve = (host: string, _: unknown, callback: (error: unknown, found?: unknown) => void) => {
    const found = known[host]?.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (found) callback(null, found);
    else callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
  };
  return resolve as unknown as typeof lookup;
}

test('fetches a page with its type, follows redirects and unpacks', async () => {
  await using site = await testSite((request, response) => {
    if (request.url === '/old') return response.writeHead(302, { location: '/new?x=1' }).end();
    const packed =
      request.url === '/gzip' ? gzipSync('packed') : request.url === '/br' ? brotliCompressSync('packed') : undefined;
    const encoding = request.url === '/gzip' ? { 'content-encoding': 'gzip' } : packed && { 'content-encoding': 'br' };
    response
      .writeHead(200, { 'content-type': 'text/plain; charset=utf-8', ...encoding })
      .end(packed ?? `at ${request.url}`);
  });
  const get = fetcher(site);
  const page = await get('/old');
  assert.deepEqual([page.url, page.contentType], [`${site.url}/new?x=1`, 'text/plain; charset=utf-8']);
  assert.equal(new TextDecoder().decode(page.body), 'at /new?x=1');
  for (const path of ['/gzip', '/br']) assert.equal(new TextDecoder().decode((await get(path)).body), 'packed');
});

test('a redirect to a private address is refused, and so is an endless row of them', async () => {
  await using site = await testSite((request, response) => {
    const location =
      request.url === '/in' ? 'http://169.254.169.254/' : request.url === '/file' ? 'file:///etc/passwd' : '/again';
    response.writeHead(301, { location }).end();
  });
  const get = fetcher(site);
  await assert.rejects(get('/in'), pageError(/169.254.169.254 is a private address/));
  await assert.rejects(get('/file'), pageError(/Only http and https/));
  await assert.rejects(get('/again'), pageError(/more than 5 redirects/));
});

test('a name that leads to a private address is refused before anything is sent', async () => {
  let requests = 0;
  await using site = await testSite((_, response) => {
    requests++;
    response.end('secret');
  });
  const port = site.host.split(':')[1]!;
  const lookup = names({
    'inside.test': ['127.0.0.1'],
    'mixed.test': ['93.184.216.34', '10.0.0.1'],
    'six.test': ['::1'],
  });
  // The port is let through for one name, its address is not.
  for (const name of ['inside.test', 'mixed.test', 'six.test', 'localhost']) {
    const known = name === 'localhost' ? {} : { lookup };
    await assert.rejects(openWeb(known)(`http://${name}:8080/`, never), pageError(/private address/), name);
  }
  await assert.rejects(openWeb({ lookup })('http://unknown.test/', never), pageError(/cannot be resolved/));
  assert.equal(requests, 0);
  const allowed = openWeb({ lookup, allowPrivate: [`inside.test:${port}`] });
  assert.equal(new TextDecoder().decode((await allowed(`http://inside.test:${port}/`, never)).body), 'secret');
});

test('a name is resolved once for each request, so the address that was checked is the one connected to', async () => {
  await using site = await testSite((_, response) => response.end('the intended server'));
  const port = site.host.split(':')[1]!;
  let asked = 0;
  const rebinding = ((_: string, __: unknown, callback: (error: null, found: unknown) => void) => {
    asked++;
    callback(null, [{ address: asked === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }]);
  }) as unknown as typeof lookup;
  const get = openWeb({ lookup: rebinding, allowPrivate: [`name.test:${port}`] });
  assert.equal(new TextDecoder().decode((await get(`http://name.test:${port}/`, never)).body), 'the intended server');
  assert.equal(asked, 1);
});

test('pages that are too large are refused, whether they say so, keep coming, or unpack', async () => {
  await using site = await testSite((request, response) => {
    if (request.url === '/says') return response.writeHead(200, { 'content-length': 9_000_000 }).flushHeaders();
    if (request.url === '/bomb')
      return response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000)));
    const write = () => {
      while (!response.destroyed && response.write('endless '.repeat(1000)));
      response.once('drain', write);
    };
    write();
  });
  const get = fetcher(site);
  for (const path of ['/says', '/bomb', '/endless'])
    await assert.rejects(get(path), pageError(/larger than 5 MB/), path);
});

test('a server that answers slowly, or never, does not hold anybody up', async () => {
  await using site = await testSite((request, response) => {
    if (request.url === '/drip') response.write('one');
  });
  const get = fetcher(site, { timeoutMs: 300 });
  await assert.rejects(get('/'), pageError(/No answer within 0.3 seconds/));
  await assert.rejects(get('/drip'), pageError(/No answer within 0.3 seconds/));
  const controller = new AbortController();
  const call = openWeb({ allowPrivate: [site.host] })(`${site.url}/drip`, controller.signal);
  setTimeout(() => controller.abort(new Error('given up')), 100);
  await assert.rejects(call, /given up/);
});

test('a page whose end is the end of the connection is not taken for whole when time is over', async () => {
  await using site = await testSite((request, response) => {
    request.socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\none');
    response.on('error', () => {});
  });
  const get = openWeb({ allowPrivate: [site.host], timeoutMs: 300 });
  await assert.rejects(get(`${site.url}/`, new AbortController().signal), pageError(/No answer within 0.3 seconds/));
});

test('what is no page says so', async () => {
  await using site = await testSite((request, response) => {
    if (request.url === '/gone') response.writeHead(404).end('not here');
    if (request.url === '/packed') response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip at all');
    if (request.url === '/odd') response.writeHead(200, { 'content-encoding': 'zstd' }).end('?');
    if (request.url === '/garbage') request.socket.end('what is HTTP?\r\n\r\n');
    if (request.url === '/cut')
      response.writeHead(200, { 'content-length': 10 }).write('abc', () => request.socket.destroy());
  });
  const get = fetcher(site);
  await assert.rejects(get('/gone'), pageError(/HTTP 404 Not Found/));
  await assert.rejects(get('/packed'), pageError(/packed in a way/));
  await assert.rejects(get('/odd'), pageError(/packed as zstd/));
  await assert.rejects(get('/garbage'), pageError(/does not speak HTTP/));
  await assert.rejects(get('/cut'), pageError(/could not be fetched/));
  await assert.rejects(
    openWeb({ allowPrivate: ['127.0.0.1'] })('http://127.0.0.1:1/', never),
    pageError(/does not accept/),
  );
});
