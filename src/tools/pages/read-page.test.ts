import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PageError } from './page.ts';
import { PageReader } from './page-reader.ts';
import { readSource } from './read-page.ts';

const reader = new PageReader(60_000);
after(() => reader.close());

function read(contentType: string, body: string | Uint8Array, url = 'https://example.com/notes/file') {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return reader.read({ url, contentType, body: bytes });
}

test('reads text, JSON, Markdown and HTML, each in its way', async () => {
  assert.deepEqual((await read('text/plain', 'one\r\n\ttwo\n\n')).lines, ['one', '    two']);
  assert.match((await read('text/plain', 'line\n'.repeat(60_000))).lines.at(-1)!, /left out/);
  assert.deepEqual((await read('application/json', '{"a":[1]}')).lines, ['{', '  "a": [', '    1', '  ]', '}']);
  assert.deepEqual((await read('application/json', '{"a":')).lines, ['{"a":']);
  const markdown = await read(
    'text/markdown',
    '# Title\n[link](other.md "t") ![pic](x.png)\n```\n[not](a)\n```',
    'corpus:/docs/a.md',
  );
  assert.deepEqual(markdown.lines, ['# Title', '【0†link】 [Image: pic]', '```', '[not](a)', '```']);
  assert.deepEqual([markdown.title, markdown.links], ['Title', ['corpus:/docs/other.md']]);
  const page = await read('text/html', '<p>hello</p>');
  assert.deepEqual([page.title, page.lines], ['file', ['hello']]);
  assert.deepEqual((await read('', '<!doctype html><title>t</title>x')).title, 't');
});

test('a line without spaces, however long, is read within the limit that pages have', async () => {
  const quick = new PageReader(20_000); // looking for a space in all that comes before takes minutes
  const body = new TextEncoder().encode('a'.repeat(5_000_000));
  const { lines } = await quick.read({ url: 'https://example.com/a.js', contentType: 'text/javascript', body });
  assert.equal(lines[0]!.length, 80);
  assert.equal(lines.length, 50_001);
  await quick.close();
});

test('decodes by byte order mark, header, declaration, and what fits', async () => {
  const latin = Uint8Array.from([0x63, 0x61, 0x66, 0xe9]);
  assert.deepEqual((await read('text/plain; charset=ISO-8859-1', latin)).lines, ['café']);
  assert.deepEqual((await read('text/plain', latin)).lines, ['café']);
  assert.deepEqual((await read('text/plain; charset=nonsense', 'é')).lines, ['é']);
  const declared = Buffer.concat([Buffer.from('<meta charset="windows-1251"><p>'), Buffer.from([0xcf, 0xf0, 0xe8])]);
  assert.deepEqual((await read('text/html', declared)).lines, ['При']);
  assert.deepEqual((await read('text/plain', Buffer.from('\ufeffhi', 'utf16le'))).lines, ['hi']);
});

test('what cannot be read says what it is', async () => {
  const refusals: readonly [string, string | Uint8Array, RegExp][] = [
    ['application/pdf', '%PDF-1.7 …', /a PDF document/],
    ['text/plain', '%PDF-1.7 …', /a PDF document/],
    ['image/png', 'x', /a picture \(image\/png\)/],
    ['text/html', Uint8Array.from([0x89, 0x50, 0x4e, 0x47]), /a PNG picture/],
    ['video/mp4', 'x', /video/],
    ['application/zip', 'PK', /of type application\/zip/],
    ['', Uint8Array.from([1, 0, 2]), /binary data/],
  ];
  for (const [type, body, message] of refusals) {
    await assert.rejects(read(type, body), (error) => error instanceof PageError && message.test(error.message), type);
  }
});

test('the source of a page is its text as it came', () => {
  const body = new TextEncoder().encode('<p>【1†x】</p>');
  assert.deepEqual(readSource({ url: 'https://x.y/', contentType: 'text/html', body }).lines, ['<p>〖1†x〗</p>']);
});
