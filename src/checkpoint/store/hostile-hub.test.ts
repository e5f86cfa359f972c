import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HubFile } from '../../../test/support/hub-server.ts';
import { bytesOf, gptOssFiles, REPOSITORY, startHub } from '../../../test/support/store-fixtures.ts';
import { isSafeName } from './hub.ts';
import { type PullOptions, pull } from './pull.ts';

async function run(options: PullOptions, name = REPOSITORY): Promise<void> {
  for await (const _ of pull(name, options));
}

const weights = (path: string, listed?: Record<string, unknown>): HubFile => ({
  path,
  bytes: bytesOf(path, 3_001),
  lfs: true,
  ...(listed ? { listed } : {}),
});

test('file names that would leave the cache are refused before anything is written', async (t) => {
  const names = [
    '../evil.safetensors',
    '/etc/evil.safetensors',
    '..\\evil.safetensors',
    'C:evil.safetensors',
    'a/../../evil.safetensors',
    'a//evil.safetensors',
    './evil.safetensors',
    'evil.safetensors\u0000.txt',
    '',
  ];
  for (const name of names) {
    const { hub, home, options } = await startHub(t, [...gptOssFiles(), weights(name)]);
    await assert.rejects(run(options), { code: 'store/hostile' }, JSON.stringify(name));
    assert.deepEqual(await readdir(home), [], JSON.stringify(name));
    assert.equal(hub.takeSent(), 0);
  }
});

test('a name that passes stays below the directory that it is joined to, on every system', () => {
  const part = fc.constantFrom('..', '.', 'a', '/', '\\', ':', 'C:', '...', ' ', '\u0000', 'x.bin', '~');
  const name = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 6 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(name, (path) => {
      if (!isSafeName(path)) return;
      assert.ok(!path.includes('\\') && !path.includes(':') && !path.startsWith('/'));
      for (const segment of path.split('/')) assert.ok(segment !== '' && segment !== '.' && segment !== '..');
    }),
    { numRuns: 2_000 },
  );
  for (const path of ['model.safetensors', 'original/config.json', '.gitattributes', 'a b.txt'])
    assert.ok(isSafeName(path));
});

test('digests, sizes and commits that are none are refused', async (t) => {
  const lies: readonly Record<string, unknown>[] = [
    { lfs: { oid: '../../../../evil', size: 3_001, pointerSize: 134 } },
    { lfs: { oid: 'a'.repeat(40), size: 3_001, pointerSize: 134 } },
    { lfs: { oid: 'a'.repeat(64), size: -1, pointerSize: 134 } },
    { lfs: { oid: 'a'.repeat(64), size: 2 ** 60, pointerSize: 134 } },
    { lfs: undefined, oid: 'A'.repeat(40) },
  ];
  for (const listed of lies) {
    const { options } = await startHub(t, [...gptOssFiles(), weights('evil.safetensors', listed)]);
    await assert.rejects(run(options), { code: 'store/hostile' }, JSON.stringify(listed));
  }
  const { hub, options } = await startHub(t);
  hub.commit = '../../../evil';
  await assert.rejects(run(options), { code: 'store/hostile' });
});

test('a file that is listed twice is refused, also where case does not count', async (t) => {
  const { options } = await startHub(t, [...gptOssFiles(), weights('MODEL-00000-of-00001.safetensors')]);
  await assert.rejects(run(options), { code: 'store/hostile', message: /twice/ });
});

test('the token goes to the hub and to no other host', async (t) => {
  const { hub, options } = await startHub(t);
  await run({ ...options, token: 'hf_secret' });
  const seen = hub.takeSeen();
  const [own, other] = [
    seen.filter(({ path }) => !path.startsWith('/cdn')),
    seen.filter(({ path }) => path.startsWith('/cdn')),
  ];
  assert.ok(own.length > 5 && own.every(({ authorization }) => authorization === 'Bearer hf_secret'));
  assert.equal(other.length, 3);
  assert.ok(other.every(({ host, authorization }) => host.startsWith('localhost:') && authorization === undefined));
});

test('the next page of a listing on another host gets no token either', async (t) => {
  const { hub, options } = await startHub(t);
  hub.pagesFrom = hub.cdn;
  await assert.rejects(run({ ...options, token: 'hf_secret' }));
  const elsewhere = hub.takeSeen().filter(({ host }) => host.startsWith('localhost'));
  assert.ok(elsewhere.length > 0 && elsewhere.every(({ authorization }) => authorization === undefined));
});

test('the token is read from its file when none is given, and an empty one means none', async (t) => {
  const { hub, options } = await startHub(t);
  await writeFile(options.tokenFile, 'hf_from_file\n');
  await run(options);
  assert.equal(hub.takeSeen()[0]?.authorization, 'Bearer hf_from_file');
  await run({ ...options, token: '' });
  assert.equal(hub.takeSeen()[0]?.authorization, undefined);
});

test('redirects to other protocols and redirects without end are refused', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { redirect: () => 'file:///etc/passwd' };
  await assert.rejects(run(options), { code: 'store/hostile', message: /file:/ });
  const tokenizer = `/${REPOSITORY}/resolve/${hub.commit}/tokenizer.json`;
  hub.faults = { redirect: () => tokenizer };
  await assert.rejects(run(options), { code: 'store/hostile', message: /more than 8 times/ });
});

test('an answer of 401, 403 or 404 says whether a token would help', async (t) => {
  const { hub, options } = await startHub(t);
  const cases = [
    { refusal: { status: 401 }, code: 'store/forbidden', message: /no token was sent/ },
    {
      refusal: { status: 403, headers: { 'x-error-code': 'GatedRepo' } },
      code: 'store/forbidden',
      message: /accept terms/,
    },
    { refusal: { status: 404 }, code: 'store/unknown-model', message: /answered 404/ },
    {
      refusal: { status: 401, headers: { 'x-error-code': 'RepoNotFound' } },
      code: 'store/unknown-model',
      message: /private/,
    },
  ];
  for (const { refusal, code, message } of cases) {
    hub.faults = { refusals: 1, refusal };
    await assert.rejects(run(options), { code, message });
    assert.equal(hub.takeSeen().length, 1, 'it asked again');
  }
  hub.faults = { refusals: 1, refusal: { status: 401 } };
  await assert.rejects(run({ ...options, token: 'hf_x' }), { message: /the token that was sent has no access/ });
});

test('a busy hub is asked again, and given up after a few times', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { refusals: 2, refusal: { status: 503, headers: { 'retry-after': '0' } } };
  await run(options);
  hub.faults = { refusals: 99, refusal: { status: 429 } };
  hub.takeSeen();
  await assert.rejects(run(options), { code: 'store/failed', message: /429/ });
  assert.equal(hub.takeSeen().length, 3);
});

test('a hub that is not there is offline, and one that speaks no JSON has failed', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { refusals: 1, refusal: { status: 200, headers: { 'content-type': 'text/html' } } };
  await assert.rejects(run(options), { code: 'store/failed', message: /Cannot read what the hub says/ });
  await hub.close();
  await assert.rejects(run(options), { code: 'store/offline', message: /ECONNREFUSED|refused/i });
  await assert.rejects(run({ ...options, endpoint: 'ftp://example' }), RangeError);
});

test('a model that is not gpt-oss is refused before its weights come', async (t) => {
  const { hub, options } = await startHub(t);
  hub.modelType = 'llama';
  await assert.rejects(run(options), { code: 'checkpoint/unsupported-model', message: /llama/ });
  assert.equal(hub.takeSent(), 0);
});

test('a repository without the wanted files says what it has', async (t) => {
  const { options } = await startHub(
    t,
    gptOssFiles().filter(({ path }) => !path.startsWith('original/')),
  );
  await assert.rejects(run({ ...options, include: 'original' }), {
    code: 'store/unknown-model',
    message: /no original.*only/,
  });
  const bare = await startHub(
    t,
    gptOssFiles().filter(({ path }) => path !== 'tokenizer.json'),
  );
  await assert.rejects(run(bare.options), { code: 'checkpoint/missing-file', message: /tokenizer\.json/ });
});
