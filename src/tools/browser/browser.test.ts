import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { OssiaError } from '../../base/index.ts';
import { PageError } from '../pages/page.ts';
import type { ToolResult } from '../types.ts';
import { openBrowser } from './browser.ts';
import type { Browser, BrowserLimits, FetchedPage, SearchProvider } from './types.ts';

const bodies: Readonly<Record<string, string>> = {
  'https://one.example/': `<title>One</title><p>First line.</p><p><a href="/next">next</a> and <a href="https://two.example/">two</a></p>`,
  'https://one.example/next': '<title>Next</title><p>Needle here.</p>',
  'https://long.example/': `<title>Long</title>${Array.from({ length: 400 }, (_, n) => `<p>Paragraph ${n}${n === 300 ? ' with a needle' : ''}</p>`).join('')}`,
  'https://other.example/': '<title>Other</title>',
};

let fetches: string[] = [];
async function fetchPage(url: string): Promise<FetchedPage> {
  fetches.push(url);
  const body = bodies[url];
  if (body === undefined) throw new PageError('The server answered with HTTP 404 Not Found');
  return { url, contentType: 'text/html', body: new TextEncoder().encode(body) };
}

const provider: SearchProvider = {
  name: 'test',
  async search(query, { topn }) {
    if (query === 'fail')
      throw new OssiaError('tools/search-failed', 'Search with test failed: it answered with HTTP 500');
    if (query === 'bug') throw new TypeError('a bug');
    return Array.from({ length: topn + 5 }, (_, n) => ({
      url: `https://${n}.example/`,
      title: `Result ${n} 【x】`,
      snippet: `about ${n}`,
    }));
  },
};

const browsers: Browser[] = [];
function open(limits: Partial<BrowserLimits> = {}) {
  const browser = openBrowser({ provider, fetchPage, limits });
  browsers.push(browser);
  fetches = [];
  const call = (name: string, args: unknown, conversation = 'c'): Promise<ToolResult> =>
    browser.call({
      name: `browser.${name}`,
      arguments: typeof args === 'string' ? args : JSON.stringify(args),
      conversation,
      signal: new AbortController().signal,
    });
  return { browser, call };
}
after(() => Promise.all(browsers.map((browser) => browser.close())));

test('results are a page with links, as the models know it', async () => {
  const { call } = open();
  const { text, action } = await call('search', { query: ' two words ', topn: 2 });
  assert.equal(
    text,
    '[0] two words\n**viewing lines [0 - 5] of 5**\n\nL0: \nL1: URL: \nL2: # Search Results\nL3: \n' +
      'L4:   * 【0†Result 0 〖x〗†0.example】 about 0\nL5:   * 【1†Result 1 〖x〗†1.example】 about 1',
  );
  assert.deepEqual(action, {
    type: 'search',
    query: 'two words',
    results: [0, 1].map((n) => ({ url: `https://${n}.example/`, title: `Result ${n} 【x】` })),
  });
});

test('at most as many results as the limit, whatever is asked for', async () => {
  const { call } = open({ results: 3 });
  const { action } = await call('search', { query: 'x', topn: 1e9 });
  assert.equal(action?.type === 'search' && action.results.length, 3);
});

test('opens an address, then its links, then other parts of a page, each with a cursor', async () => {
  const { call } = open();
  const first = await call('open', { id: 'https://one.example/' });
  assert.equal(
    first.text,
    '[0] One (https://one.example/)\n**viewing lines [0 - 5] of 5**\n\nL0: \nL1: URL: https://one.example/\nL2: \n' +
      'L3: First line.\nL4: \nL5: 【0†next】 and 【1†two†two.example】',
  );
  assert.deepEqual(first.action, {
    type: 'open_page',
    cursor: 0,
    page: { url: 'https://one.example/', title: 'One' },
    lines: { first: 0, last: 5 },
  });
  assert.match(
    (await call('open', { id: 0 })).text,
    /^\[1\] Next \(https:\/\/one.example\/next\)[\s\S]*Needle here\.$/,
  );
  assert.match(
    (await call('open', { cursor: 0, loc: 3, num_lines: 1 })).text,
    /^\[2\] One .*\n\*\*viewing lines \[3 - 3\] of 5\*\*\n\nL3: First line\.$/,
  );
  assert.match((await call('open', '{"id":"0","cursor":"0"}')).text, /^\[3\] Next/); // numbers as text
  assert.deepEqual(fetches, ['https://one.example/', 'https://one.example/next']); // what was opened is not fetched again
  await call('open', { id: 'one.example' });
  assert.equal(fetches.length, 3); // but an address is
});

test('shows as much of a page as fits, and goes on from any line', async () => {
  const { call } = open({ viewTokens: 100 });
  const { text, action } = await call('open', { id: 'https://long.example/' });
  const lines = action?.type === 'open_page' ? action.lines : undefined;
  assert.ok(lines && lines.first === 0 && lines.last > 5 && lines.last < 30, text);
  assert.match((await call('open', { loc: 700 })).text, /viewing lines \[700 - 7\d\d\] of 801/);
  const all = await call('open', { num_lines: 100_000 });
  assert.ok(all.action?.type === 'open_page' && all.action.lines.last < 400);
});

test('finds text, and opens a page where it was found', async () => {
  const { call } = open();
  await call('open', { id: 'https://long.example/' });
  const found = await call('find', { pattern: 'NEEDLE' });
  assert.match(
    found.text,
    /^\[1\] Find results for text: `NEEDLE` in `Long` \(.*\)\n.*\n\nL0: # 【0†match at L603】\nL1: Paragraph 300 with a needle\n/,
  );
  assert.deepEqual(found.action, {
    type: 'find_in_page',
    cursor: 1,
    page: { url: 'https://long.example/', title: 'Long' },
    pattern: 'NEEDLE',
    matches: 1,
  });
  assert.match((await call('open', { id: 0 })).text, /^\[2\] Long .*\n\*\*viewing lines \[599 - /);
  assert.match((await call('find', { pattern: 'absent' })).text, /No `find` results for pattern: `absent`/);
  assert.match((await call('find', { pattern: 'x', cursor: 1 })).text, /looks through pages/);
});

test('shows the source of a page', async () => {
  const { call } = open();
  await call('open', { id: 'https://one.example/' });
  assert.match((await call('open', { view_source: true })).text, /<title>One<\/title>/);
});

test('what the model gets wrong is told to it', async () => {
  const { call } = open();
  const early = await call('open', { cursor: 0 });
  assert.deepEqual(early, { text: 'There is no page yet: search for something, or open an address', isError: true });
  await call('open', { id: 'https://one.example/' });
  const mistakes: readonly [string, unknown, RegExp][] = [
    ['search', '{"query":', /not JSON\. Call it with an object like \{"query"/],
    ['search', '[1]', /not a JSON object/],
    ['search', {}, /`query` is missing/],
    ['search', { query: 'x'.repeat(5000) }, /shorten it/],
    ['open', { id: 5 }, /no link 5 on the page One: its links go from 0 to 1/],
    ['open', { id: {} }, /`id` is the number of a link, or an address/],
    ['open', { cursor: 9 }, /no page with cursor 9: cursors go from 0 to 0/],
    ['open', { loc: 99 }, /Line 99 is beyond the end: the last line of the page is 5/],
    ['open', { loc: 'x' }, /`loc` has to be a number/],
    ['open', { id: 'https://missing.example/' }, /Error fetching `https:\/\/missing\.example\/`: .*HTTP 404/],
    ['find', {}, /`pattern` is missing/],
    ['click', {}, /There is no browser\.click/],
  ];
  for (const [name, args, message] of mistakes) {
    const { text, isError, action } = await call(name, args);
    assert.match(text, message);
    assert.deepEqual([isError, action], [true, undefined]);
  }
  assert.match((await call('find', { pattern: 'first' })).text, /^\[1\] /); // mistakes take no cursor
});

test('a search that fails is told to the model; a bug is not', async () => {
  const { call } = open();
  assert.deepEqual(await call('search', { query: 'fail' }), {
    text: 'Search with test failed: it answered with HTTP 500',
    isError: true,
  });
  await assert.rejects(call('search', { query: 'bug' }), TypeError);
});

test('over documents it is offline: no other page is opened, whoever names it', async () => {
  const documents: SearchProvider = {
    name: 'documents',
    offline: true,
    search: async () => [{ url: 'corpus:/a.md', title: 'A', snippet: '[out](http://192.0.2.1/)' }],
    open: async (url) =>
      url === 'corpus:/a.md'
        ? { url, contentType: 'text/html', body: new TextEncoder().encode('<a href="https://one.example/">out</a>') }
        : undefined,
  };
  const browser = openBrowser({ provider: documents });
  browsers.push(browser);
  assert.equal(browser.reachesOut, false);
  assert.equal(openBrowser({ provider }).reachesOut, true);
  assert.equal(openBrowser({ provider: documents, fetchPage }).reachesOut, true);
  const { signal } = new AbortController();
  const call = (args: object) =>
    browser.call({ name: 'browser.open', arguments: JSON.stringify(args), conversation: 'c', signal });
  assert.equal((await call({ id: 'corpus:/a.md' })).isError, undefined);
  for (const args of [{ id: 'https://192.0.2.1/?q=secret' }, { id: 0 }])
    assert.match((await call(args)).text, /The web cannot be reached from here/);
});

test('private addresses are refused without fetchPage, too', async () => {
  const browser = openBrowser({ provider });
  browsers.push(browser);
  const signal = new AbortController().signal;
  const request = { name: 'browser.open', arguments: '{"id":"http://127.0.0.1:8080/"}', conversation: 'c', signal };
  assert.match((await browser.call(request)).text, /127\.0\.0\.1 is a private address/);
});

test('citations lead to the lines that the model saw', async () => {
  const { browser, call } = open();
  await call('search', { query: 'x', topn: 2 });
  await call('open', { id: 'https://one.example/' });
  const answer =
    'One【1†L3】, two【1†L3-L5】, found【0†L5】, gone【7†L1】【1†L77】【1†L5-L3】【1†next】, cut【1†L5-L99】';
  const citations = browser.citations('c', answer);
  assert.deepEqual(
    citations.map(({ text, page, lines, quote }) => [text, page.url, lines.first, lines.last, quote]),
    [
      ['【1†L3】', 'https://one.example/', 3, 3, 'First line.'],
      ['【1†L3-L5】', 'https://one.example/', 3, 5, 'First line.\n\n【0†next】 and 【1†two†two.example】'],
      ['【0†L5】', 'https://1.example/', 5, 5, '  * 【1†Result 1 〖x〗†1.example】 about 1'],
      ['【1†L5-L99】', 'https://one.example/', 5, 5, '【0†next】 and 【1†two†two.example】'],
    ],
  );
  for (const { text, start, end } of citations) assert.equal(answer.slice(start, end), text);
  assert.deepEqual(browser.citations('another', answer), []);
});

test('conversations have their own pages, and a bounded number of them is kept', async () => {
  const { browser, call } = open({ conversations: 2, pages: 3 });
  await call('open', { id: 'https://one.example/' }, 'a');
  assert.match((await call('open', { cursor: 0 }, 'b')).text, /no page yet/);
  for (let n = 0; n < 4; n++) await call('open', { id: 'https://other.example/' }, 'b');
  assert.match((await call('open', { cursor: 0 }, 'b')).text, /no page with cursor 0: it was too long ago/);
  assert.match((await call('open', { cursor: 2 }, 'b')).text, /^\[4\] Other/);
  await call('search', { query: 'x' }, 'c');
  assert.deepEqual(browser.citations('a', '【0†L1】'), []); // the oldest conversation went
  browser.forget?.('c');
  assert.deepEqual(browser.citations('c', '【0†L1】'), []);
});

test('pages of a conversation are bounded by their size, too', async () => {
  const { browser, call } = open({ characters: 5_000 });
  await call('open', { id: 'https://one.example/' });
  await call('open', { id: 'https://long.example/' });
  assert.deepEqual(browser.citations('c', '【0†L1】'), []);
  assert.equal(browser.citations('c', '【1†L1】').length, 1);
});

test('pages of all conversations together are bounded', async () => {
  const { call } = open({ totalCharacters: 12_000 });
  for (const conversation of ['a', 'b', 'c']) await call('open', { id: 'https://long.example/' }, conversation);
  assert.match((await call('open', { loc: 0 }, 'c')).text, /Paragraph 0/);
  assert.match((await call('open', { loc: 0 }, 'a')).text, /There is no page yet/);
});

test('a quote of a long page is cut, however often it is cited', async () => {
  const { browser, call } = open();
  await call('open', { id: 'https://long.example/' });
  const citations = browser.citations('c', '【0†L0-L799】'.repeat(3));
  assert.deepEqual(
    citations.map(({ quote }) => quote.length),
    [4000, 4000, 4000],
  );
});

test('a call that was given up rejects with the reason', async () => {
  const browser = openBrowser({
    provider,
    fetchPage: (_, signal) =>
      new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  browsers.push(browser);
  const controller = new AbortController();
  const call = browser.call({
    name: 'open',
    arguments: '{"id":"https://x.example"}',
    conversation: 'c',
    signal: controller.signal,
  });
  controller.abort(new Error('given up'));
  await assert.rejects(call, /given up/);
});
