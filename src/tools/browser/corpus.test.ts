import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { OssiaError } from '../../base/index.ts';
import { PageError } from '../pages/page.ts';
import { openCorpus } from './corpus.ts';

const signal = new AbortController().signal;
let place: string;
let folder: string;

before(async () => {
  place = await mkdtemp(join(tmpdir(), 'ossia-corpus-'));
  folder = join(place, 'corpus');
  await mkdir(join(folder, 'deep', 'er'), { recursive: true });
  await mkdir(join(folder, '.git'));
  await writeFile(join(place, 'secret.md'), '# Secret walrus');
  await writeFile(
    join(folder, 'a.md'),
    `# On walruses\n\n${'Filler about nothing. '.repeat(50)}The walrus eats clams at dawn.`,
  );
  await writeFile(join(folder, 'deep', 'er', 'b c.txt'), 'Another walrus, in plain text.');
  await writeFile(
    join(folder, 'page.html'),
    '<title>Zebras</title><script>var hidden="walrus"</script><p>Stripes &amp; grass</p>',
  );
  await writeFile(join(folder, 'data.bin'), 'walrus');
  await writeFile(join(folder, '.git', 'c.md'), 'walrus');
  await symlink(join(place, 'secret.md'), join(folder, 'link.md'));
  await symlink(place, join(folder, 'up'));
});
after(() => rm(place, { recursive: true }));

test('finds files by their words, with a title and the passage', async () => {
  const corpus = openCorpus(folder);
  const found = await corpus.search('walrus clams', { topn: 10, signal });
  assert.deepEqual(
    found.map(({ url }) => url),
    ['corpus:/a.md', 'corpus:/deep/er/b%20c.txt'],
  );
  assert.equal(found[0]!.title, 'On walruses');
  assert.match(found[0]!.snippet, /^… .*walrus eats clams/);
  assert.deepEqual(
    (await corpus.search('zebra stripes', { topn: 1, signal })).map(({ title }) => title),
    ['Zebras'],
  );
  assert.deepEqual(await corpus.search('nothing of that kind', { topn: 0, signal }), []);
});

test('opens what it has, and nothing else', async () => {
  const corpus = openCorpus(folder);
  const page = await corpus.open!('corpus:/deep/er/b%20c.txt#L3', signal);
  assert.deepEqual(page && [page.url, page.contentType], ['corpus:/deep/er/b%20c.txt', 'text/plain']);
  assert.equal(await corpus.open!('https://example.com/', signal), undefined);
  const outside = [
    ...[
      'corpus:/../secret.md',
      'corpus:/..%2fsecret.md',
      'corpus:/deep/../../secret.md',
      'corpus:/up/secret.md',
      'corpus:/link.md',
    ],
    ...[
      `corpus:/${place}/secret.md`,
      'corpus://secret.md',
      'corpus:/.git/c.md',
      'corpus:/data.bin',
      'corpus:/%00',
      'corpus:/%',
      'corpus:',
    ],
  ];
  for (const url of outside) await assert.rejects(corpus.open!(url, signal), PageError, url);
});

test('a folder that became a link after it was indexed is not followed', async () => {
  const other = join(place, 'other');
  await mkdir(join(other, 'sub'), { recursive: true });
  await writeFile(join(other, 'sub', 'd.md'), 'inside');
  const corpus = openCorpus(other);
  assert.ok(await corpus.open!('corpus:/sub/d.md', signal));
  await rename(join(other, 'sub'), join(other, 'moved'));
  await mkdir(join(place, 'target'));
  await writeFile(join(place, 'target', 'd.md'), 'outside');
  await symlink(join(place, 'target'), join(other, 'sub'));
  await assert.rejects(corpus.open!('corpus:/sub/d.md', signal), /cannot be read any more/);
});

test("without a folder it searches Ossia's own documents", async () => {
  const corpus = openCorpus();
  const found = await corpus.search('ossia server', { topn: 5, signal });
  assert.ok(found.length > 0);
  assert.ok(found.every(({ url }) => /^corpus:\/(?:README\.md|docs\/)/.test(url)));
});

test('a folder that is none is refused', () => {
  const isBadOption = (error: unknown) => error instanceof OssiaError && error.code === 'tools/bad-option';
  assert.throws(() => openCorpus(join(place, 'missing')), isBadOption);
  assert.throws(() => openCorpus(join(place, 'secret.md')), isBadOption);
});
