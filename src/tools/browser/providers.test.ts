import assert from 'node:assert/strict';
import type { IncomingMessage, RequestListener } from 'node:http';
import { test } from 'node:test';
import { OssiaError } from '../../base/index.ts';
import { testSite } from '../pages/testing.ts';
import { brave, exa, searxng, youCom } from './providers.ts';
import type { SearchProvider } from './types.ts';

interface Case {
  readonly name: string;
  open(url: string, timeoutMs?: number): SearchProvider;
  /** What the service answers with, and the results that this means. */
  readonly answer: unknown;
  readonly results: readonly unknown[];
  /** How it has to be asked for "two words", with 7 results. */
  check(request: IncomingMessage, body: string): void;
}

function query(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(new URL(request.url!, 'http://x').searchParams);
}

function path(request: IncomingMessage): string {
  return `${request.method} ${new URL(request.url!, 'http://x').pathname}`;
}

const key = 'key-123';
const cases: readonly Case[] = [
  {
    name: 'SearXNG',
    open: (url, timeoutMs) => searxng({ url: `${url}/searx`, ...(timeoutMs && { timeoutMs }) }),
    answer: {
      query: 'two words',
      results: [
        { url: 'https://a.example/1', title: 'A', content: 'of a', engine: 'x' },
        { url: 'javascript:alert(1)', title: 'bad', content: '' },
        { url: 'https://b.example/', title: '', content: null },
      ],
    },
    results: [
      { url: 'https://a.example/1', title: 'A', snippet: 'of a' },
      { url: 'https://b.example/', title: 'https://b.example/', snippet: '' },
    ],
    check: (request) => {
      assert.equal(path(request), 'GET /searx/search');
      assert.deepEqual(query(request), { q: 'two words', format: 'json' });
    },
  },
  {
    name: 'Exa',
    open: (url, timeoutMs) => exa({ key, url, ...(timeoutMs && { timeoutMs }) }),
    answer: {
      requestId: 'r',
      results: [{ id: 'i', url: 'https://a.example/1', title: 'A', highlights: ['one', 'two'] }],
    },
    results: [{ url: 'https://a.example/1', title: 'A', snippet: 'one … two' }],
    check: (request, body) => {
      assert.equal(path(request), 'POST /search');
      assert.equal(request.headers['x-api-key'], key);
      assert.equal(request.headers['content-type'], 'application/json');
      assert.deepEqual(JSON.parse(body), { query: 'two words', numResults: 7, contents: { highlights: true } });
    },
  },
  {
    name: 'Brave',
    open: (url, timeoutMs) => brave({ key, url: `${url}/res/v1`, ...(timeoutMs && { timeoutMs }) }),
    answer: {
      type: 'search',
      web: { results: [{ url: 'https://a.example/1', title: 'A &amp; B', description: 'of <strong>a</strong>' }] },
    },
    results: [{ url: 'https://a.example/1', title: 'A & B', snippet: 'of a' }],
    check: (request) => {
      assert.equal(path(request), 'GET /res/v1/web/search');
      assert.equal(request.headers['x-subscription-token'], key);
      assert.deepEqual(query(request), { q: 'two words', count: '7' });
    },
  },
  {
    name: 'You.com',
    open: (url, timeoutMs) => youCom({ key, url, ...(timeoutMs && { timeoutMs }) }),
    answer: {
      results: {
        web: [{ url: 'https://a.example/1', title: 'A', description: 'about a', snippets: ['one', 'two'] }],
        news: [{ url: 'https://n.example/', title: 'N', description: 'news' }],
      },
    },
    results: [
      { url: 'https://a.example/1', title: 'A', snippet: 'one … two' },
      { url: 'https://n.example/', title: 'N', snippet: 'news' },
    ],
    check: (request) => {
      assert.equal(path(request), 'GET /v1/search');
      assert.equal(request.headers['x-api-key'], key);
      assert.deepEqual(query(request), { query: 'two words', count: '7' });
    },
  },
];

const signal = new AbortController().signal;

function searchFailed(message: RegExp) {
  return (error: unknown) =>
    error instanceof OssiaError &&
    error.code === 'tools/search-failed' &&
    message.test(error.message) &&
    !`${error.message}${error.stack}`.includes(key);
}

function answers(status: number, body: string, headers: Record<string, string> = {}): RequestListener {
  return (_, response) => void response.writeHead(status, headers).end(body);
}

for (const { name, open, answer, results, check } of cases) {
  test(`${name} is asked in its own way, and its results are read`, async () => {
    let asked: [IncomingMessage, string] | undefined;
    await using site = await testSite(async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      asked = [request, body];
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    assert.deepEqual(await open(site.url).search('two words', { topn: 7, signal }), results);
    check(...asked!);
  });

  test(`${name}: an answer without results is none, one of another form an error`, async () => {
    for (const body of ['{}', '{"results":null}']) {
      await using site = await testSite(answers(200, body));
      assert.deepEqual(await open(site.url).search('x', { topn: 7, signal }), []);
    }
    for (const body of ['"no"', '{"results":"no","web":"no"}', '{"results":7,"web":7}']) {
      await using site = await testSite(answers(200, body));
      await assert.rejects(open(site.url).search('x', { topn: 7, signal }), searchFailed(/unexpected form/), body);
    }
  });

  test(`${name}: refusals, failures and garbage say what happened, and never the key`, async () => {
    const failures: readonly [RequestListener, RegExp][] = [
      [answers(401, `{"error":"bad key ${key}"}`), /refuses access \(HTTP 401\)/],
      [answers(403, ''), /refuses access \(HTTP 403\)/],
      [answers(429, '', { 'retry-after': '12' }), /too many searches \(HTTP 429\), try again in 12 s/],
      [answers(500, '<h1>Oops</h1>'), /HTTP 500/],
      [answers(200, '<html>not JSON</html>'), /not JSON/],
      [answers(302, '', { location: 'http://elsewhere.example/' }), /failed/],
      [(_, response) => void response.writeHead(200).end('"'.padEnd(5 * 2 ** 20, 'x')), /too large/],
      [(request) => void request.socket.destroy(), /cannot be reached/],
    ];
    for (const [listener, message] of failures) {
      await using site = await testSite(listener);
      await assert.rejects(open(site.url).search('x', { topn: 7, signal }), searchFailed(message), String(message));
    }
  });

  test(`${name}: does not wait for ever, and stops when it is told to`, async () => {
    await using site = await testSite(() => {});
    await assert.rejects(
      open(site.url, 200).search('x', { topn: 7, signal }),
      searchFailed(/no answer within 0.2 seconds/),
    );
    const reason = new Error('given up');
    const controller = new AbortController();
    const search = open(site.url).search('x', { topn: 7, signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(search, reason);
  });
}

test('addresses and keys that cannot be are refused at once', () => {
  const isBadOption = (error: unknown) => error instanceof OssiaError && error.code === 'tools/bad-option';
  assert.throws(() => searxng({ url: 'localhost:8888' }), isBadOption);
  assert.throws(() => exa({ key: '' }), isBadOption);
  assert.throws(() => brave({ key: 'a\nb' }), isBadOption);
});
