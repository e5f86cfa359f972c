import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, realpath, stat, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { scanCacheDir } from '@huggingface/hub';
import {
  addToOllama,
  bytesOf,
  ggufBytes,
  gptOssFiles,
  isolated,
  REPOSITORY,
  startHub,
  temporaryDirectory,
  write,
} from '../../../test/support/store-fixtures.ts';
import { listModels, removeModel } from './list.ts';
import { pull } from './pull.ts';
import { resolveModel } from './resolve.ts';
import { verifyFiles } from './verify.ts';

const LIBRARY = 'registry.ollama.ai/library';

/** Writes a snapshot into a hub cache, as Hugging Face's tools leave it. */
async function addToHubCache(
  hubCache: string,
  id: string,
  commit: string,
  files: Record<string, string | Uint8Array>,
  ref?: string,
) {
  const folder = join(hubCache, `models--${id.replace('/', '--')}`);
  for (const [name, content] of Object.entries(files)) {
    const blob = Buffer.from(`${name}${content.length}${content.slice(0, 9)}`)
      .toString('hex')
      .padEnd(40, '0')
      .slice(0, 40);
    await write(join(folder, 'blobs', blob), content);
    const path = join(folder, 'snapshots', commit, name);
    await mkdir(join(path, '..'), { recursive: true });
    await symlink(join(name.includes('/') ? '../' : '', '../../blobs', blob), path);
  }
  if (ref !== undefined) await write(join(folder, 'refs', ref), commit);
  return join(folder, 'snapshots', commit);
}

const small = { 'config.json': '{"model_type":"gpt_oss"}', 'tokenizer.json': '{}', 'model.safetensors': 'weights' };

test('the embedded model is always there', async (t) => {
  const options = isolated(await temporaryDirectory(t));
  const model = await resolveModel('ossia-nano', options);
  assert.equal(model.origin, 'embedded');
  assert.equal(model.layout, 'huggingface');
  assert.ok((await stat(join(model.path, 'config.json'))).isFile());
  const [listed, ...others] = await listModels(options);
  assert.deepEqual([listed?.name, listed?.origin, listed?.status], ['ossia-nano', 'embedded', 'complete']);
  assert.deepEqual(others, []);
});

test('paths lead to a directory, its original directory, a GGUF file or a blob of Ollama', async (t) => {
  const home = await temporaryDirectory(t);
  const options = isolated(home);
  for (const [name, content] of Object.entries(small)) await write(join(home, 'hf', name), content);
  await write(join(home, 'openai', 'original', 'config.json'), '{"swiglu_limit":7,"experts_per_token":4}');
  await write(join(home, 'openai', 'original', 'model.safetensors'), 'weights');
  await write(join(home, 'openai', 'tokenizer.json'), '{}');
  await write(join(home, 'g', 'model.gguf'), ggufBytes('gpt-oss'));
  const blob = await addToOllama(join(home, 'ollama'), `${LIBRARY}/gpt-oss/20b`, ggufBytes('gptoss'));
  const resolve = async (name: string) => {
    const { path, origin, layout } = await resolveModel(join(home, name), options);
    return [path, origin, layout];
  };
  assert.deepEqual(await resolve('hf'), [join(home, 'hf'), 'path', 'huggingface']);
  assert.deepEqual(await resolve('openai'), [join(home, 'openai', 'original'), 'path', 'original']);
  assert.deepEqual(await resolve('openai/original'), [join(home, 'openai', 'original'), 'path', 'original']);
  assert.deepEqual(await resolve('g'), [join(home, 'g', 'model.gguf'), 'path', 'gguf']);
  assert.deepEqual(await resolve('g/model.gguf'), [join(home, 'g', 'model.gguf'), 'path', 'gguf']);
  assert.deepEqual((await resolveModel(blob, options)).origin, 'path');
  await assert.rejects(resolve('nothing'), { code: 'checkpoint/not-found' });
  await assert.rejects(resolveModel('./model.gguf', options), { code: 'checkpoint/not-found' });
});

test('a pipe in place of config.json holds nothing up', { timeout: 10_000 }, async (t) => {
  const home = await temporaryDirectory(t);
  for (const [name, content] of Object.entries(small)) {
    if (name !== 'config.json') await write(join(home, 'hf', name), content);
  }
  execFileSync('mkfifo', [join(home, 'hf', 'config.json')]);
  assert.equal((await resolveModel(join(home, 'hf'), isolated(home))).origin, 'path');
});

test('a hub model is the snapshot of main, unless only an older one is complete', async (t) => {
  const options = isolated(await temporaryDirectory(t));
  const [older, newer] = ['a'.repeat(40), 'b'.repeat(40)];
  const complete = await addToHubCache(options.hubCache, REPOSITORY, older, small, 'v1');
  await addToHubCache(options.hubCache, REPOSITORY, newer, { 'config.json': small['config.json'] }, 'main');
  assert.equal((await resolveModel(REPOSITORY, options)).path, complete);
  assert.equal((await resolveModel('gpt-oss', options)).path, complete);
  assert.equal((await resolveModel(REPOSITORY, { ...options, revision: 'v1' })).commit, older);
  await assert.rejects(resolveModel(REPOSITORY, { ...options, revision: 'main' }), {
    code: 'store/unknown-model',
    message: /lacks tokenizer\.json, model\.safetensors/,
  });
  await assert.rejects(resolveModel(REPOSITORY, { ...options, revision: '../x' }), RangeError);
  const whole = await addToHubCache(options.hubCache, REPOSITORY, newer, {
    'tokenizer.json': '{ }',
    'model.safetensors': 'w',
  });
  assert.equal((await resolveModel(REPOSITORY, options)).path, whole);
});

test('a snapshot of shards is complete when the index has all of its files', async (t) => {
  const options = isolated(await temporaryDirectory(t));
  const { 'model.safetensors': _, ...rest } = small;
  const index = JSON.stringify({
    weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
  });
  const sharded = { ...rest, 'model.safetensors.index.json': index, 'model-00001-of-00002.safetensors': 'one' };
  await addToHubCache(options.hubCache, 'someone/tuned', 'a'.repeat(40), sharded, 'main');
  const [, model] = await listModels(options);
  assert.deepEqual([model?.status, model?.missing], ['partial', ['model-00002-of-00002.safetensors']]);
  await assert.rejects(resolveModel('someone/tuned', options), { message: /lacks model-00002-of-00002/ });
  await addToHubCache(options.hubCache, 'someone/tuned', 'a'.repeat(40), { 'model-00002-of-00002.safetensors': 'two' });
  assert.equal((await resolveModel('someone/tuned', options)).layout, 'huggingface');
});

test('models in the store of Ollama are used where they lie, after those of the hub cache', async (t) => {
  const home = await temporaryDirectory(t);
  const options = isolated(home);
  const bytes = ggufBytes('gptoss', 7_001);
  const blob = await addToOllama(join(home, 'ollama'), `${LIBRARY}/gpt-oss/20b`, bytes);
  const own = await addToOllama(
    join(home, 'ollama'),
    'registry.ollama.ai/someone/tuned/latest',
    ggufBytes('gpt-oss', 6_007),
  );
  const fromHub = await addToOllama(
    join(home, 'ollama'),
    'hf.co/unsloth/gpt-oss-20b-GGUF/F16',
    ggufBytes('gpt-oss', 5_009),
  );
  for (const name of ['gpt-oss:20b', 'gpt-oss-20b', 'GPT-OSS:20B', 'gpt-oss']) {
    const model = await resolveModel(name, options);
    assert.deepEqual([model.name, model.path, model.origin], ['gpt-oss:20b', blob, 'ollama']);
  }
  assert.equal((await resolveModel('someone/tuned', options)).path, own);
  assert.equal((await resolveModel('hf.co/unsloth/gpt-oss-20b-GGUF:F16', options)).path, fromHub);
  await addToOllama(join(home, 'ollama'), `${LIBRARY}/llama3/8b`, ggufBytes('llama'));
  const listed = (await listModels(options)).filter(({ origin }) => origin === 'ollama');
  assert.deepEqual(listed.map(({ name }) => name).sort(), [
    'gpt-oss:20b',
    'hf.co/unsloth/gpt-oss-20b-GGUF:F16',
    'someone/tuned:latest',
  ]);
  assert.equal(listed.find(({ name }) => name === 'gpt-oss:20b')?.sizeBytes, bytes.length);
  const snapshot = await addToHubCache(options.hubCache, REPOSITORY, 'a'.repeat(40), small, 'main');
  assert.equal((await resolveModel('gpt-oss:20b', options)).path, snapshot);
});

test('an unfinished, a cloud and a hostile manifest of Ollama lead nowhere', async (t) => {
  const home = await temporaryDirectory(t);
  const options = isolated(home);
  const store = join(home, 'ollama');
  await addToOllama(store, `${LIBRARY}/gpt-oss/20b`, ggufBytes('gptoss'), 1_001);
  await assert.rejects(resolveModel('gpt-oss:20b', options), { code: 'store/unknown-model', message: /incomplete/ });
  assert.equal((await listModels(options)).find(({ origin }) => origin === 'ollama')?.status, 'partial');
  const layer = { mediaType: 'application/vnd.ollama.image.model', digest: 'sha256:../../../secret', size: 9 };
  const evil = { layers: [layer] };
  await write(join(store, 'secret'), 'a secret!');
  await write(join(store, 'manifests', LIBRARY, 'gpt-oss/20b-cloud'), JSON.stringify({ layers: [] }));
  await write(join(store, 'manifests', LIBRARY, 'evil/latest'), JSON.stringify(evil));
  for (const name of ['gpt-oss:20b-cloud', 'evil', '../../gpt-oss:20b', 'a:b:c']) {
    await assert.rejects(resolveModel(name, options), (error: { code: string }) =>
      /unknown-model|not-found/.test(error.code),
    );
  }
});

test('an unknown name is told where was looked and what was perhaps meant', async (t) => {
  const options = isolated(await temporaryDirectory(t));
  await assert.rejects(
    resolveModel('gpt-os:20b', options),
    (error: { code: string; message: string; details: object }) => {
      assert.equal(error.code, 'store/unknown-model');
      assert.ok(error.message.includes(options.hubCache) && error.message.includes(options.ollamaModels[0]!));
      assert.ok('suggestions' in error.details && (error.details.suggestions as string[])[0] === 'gpt-oss:20b');
      return true;
    },
  );
  await assert.rejects(resolveModel('osia-nano', options), { message: /did you mean "ossia-nano"\?/ });
  await assert.rejects(resolveModel('', options), { code: 'store/unknown-model' });
  await assert.rejects(
    resolveModel('gpt-oss:20b', options),
    (error: { message: string; details: { next?: string } }) => {
      assert.doesNotMatch(error.message, /did you mean/);
      assert.equal(error.details.next, 'Run `ossia pull gpt-oss:20b` to download it');
      return true;
    },
  );
});

test('the list has the gpt-oss models of the cache, complete and partial, and no others', async (t) => {
  const options = isolated(await temporaryDirectory(t));
  const commit = 'a'.repeat(40);
  await addToHubCache(options.hubCache, REPOSITORY, commit, small, 'main');
  await addToHubCache(
    options.hubCache,
    'meta/llama',
    commit,
    { ...small, 'config.json': '{"model_type":"llama"}' },
    'main',
  );
  await addToHubCache(options.hubCache, 'a/quantised', commit, { 'x.gguf': ggufBytes('gpt-oss') }, 'main');
  await addToHubCache(options.hubCache, 'a/other', commit, { 'x.gguf': ggufBytes('qwen3') }, 'main');
  const original = {
    'original/config.json': '{"experts_per_token":4,"swiglu_limit":7}',
    'original/model.safetensors': 'w',
  };
  const path = await addToHubCache(options.hubCache, 'b/original', commit, original, 'main');
  await write(
    join(options.hubCache, 'models--openai--gpt-oss-120b', 'blobs', `${'c'.repeat(64)}.incomplete`),
    bytesOf('x', 1_003),
  );
  await write(join(options.hubCache, 'datasets--a--b', 'refs', 'main'), commit);
  const listed = (await listModels(options)).slice(1);
  assert.deepEqual(
    listed.map(({ name, layout, status }) => [name, layout, status]),
    [
      ['a/quantised', 'gguf', 'complete'],
      ['b/original', 'original', 'complete'],
      ['openai/gpt-oss-120b', undefined, 'partial'],
      [REPOSITORY, 'huggingface', 'complete'],
    ],
  );
  assert.equal(listed[1]?.path, join(path, 'original'));
  assert.equal(listed[2]?.sizeBytes, 1_003);
  assert.ok(Date.now() - listed[2]!.modified.getTime() < 60_000);
});

test('removing a model takes all of it and nothing of its neighbours', async (t) => {
  const { options } = await startHub(t);
  for await (const _ of pull(REPOSITORY, options));
  const neighbour = await addToHubCache(options.hubCache, 'a/gpt-oss', 'a'.repeat(40), small, 'main');
  const total = (await listModels(options)).find(({ name }) => name === REPOSITORY)?.sizeBytes;
  const removed = await removeModel('gpt-oss:20b', options);
  assert.equal(removed.name, REPOSITORY);
  assert.equal(removed.freedBytes, total);
  assert.deepEqual((await readdir(options.hubCache)).sort(), ['.locks', 'models--a--gpt-oss']);
  assert.equal((await resolveModel('a/gpt-oss', options)).path, neighbour);
  await assert.rejects(removeModel('gpt-oss:20b', options), { code: 'store/unknown-model' });
});

test('removing a revision keeps the blobs that another one shows', async (t) => {
  const { hub, options } = await startHub(t);
  for await (const _ of pull(REPOSITORY, options));
  const first = hub.commit;
  hub.commit = 'd'.repeat(40);
  const changed = bytesOf('changed', 123_457);
  hub.files = gptOssFiles().map((file) => (file.path.startsWith('model-00001') ? { ...file, bytes: changed } : file));
  for await (const _ of pull(REPOSITORY, options));
  await write(join(options.hubCache, 'models--openai--gpt-oss-20b', 'refs', 'v1'), first);
  const { freedBytes } = await removeModel(REPOSITORY, { ...options, revision: first });
  assert.equal(freedBytes, 311_113 + first.length);
  assert.equal((await resolveModel(REPOSITORY, options)).commit, hub.commit);
  const scan = await scanCacheDir(options.hubCache);
  assert.deepEqual([scan.warnings, scan.repos[0]?.revisions.length], [[], 1]);
  await assert.rejects(removeModel(REPOSITORY, { ...options, revision: first }), { message: /it has main, d+/ });
  await removeModel(REPOSITORY, { ...options, revision: 'main' });
  assert.deepEqual(await readdir(options.hubCache), ['.locks']);
});

test('what Ossia did not download is not removed, and the error says who removes it', async (t) => {
  const home = await temporaryDirectory(t);
  const options = isolated(home);
  await addToOllama(join(home, 'ollama'), `${LIBRARY}/gpt-oss/20b`, ggufBytes('gptoss'));
  const llama = { ...small, 'config.json': '{"model_type":"llama"}' };
  await addToHubCache(options.hubCache, 'meta/llama', 'a'.repeat(40), llama, 'main');
  const refused = (name: string, message: RegExp) =>
    assert.rejects(removeModel(name, options), { code: 'store/not-removable', message });
  await refused('ossia-nano', /part of Ossia/);
  await refused(join(home, 'hub'), /path/);
  await refused('./model.gguf', /path/);
  await refused('gpt-oss-20b', /`ollama rm gpt-oss:20b`/);
  await refused('meta/llama', /not a gpt-oss model/);
  assert.equal((await readdir(options.hubCache)).length, 1);
});

test('a model that is being downloaded is not removed', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { delayMs: 10 };
  for await (const event of pull(REPOSITORY, options)) {
    if (event.type === 'plan') await assert.rejects(removeModel(REPOSITORY, options), { code: 'store/busy' });
  }
  await removeModel(REPOSITORY, options);
});

test('verify tells which file of a stored model is damaged, without a network', async (t) => {
  const { hub, home, options } = await startHub(t);
  for await (const _ of pull(REPOSITORY, options));
  await hub.close();
  const results = async (path: string) => {
    const found: Record<string, string> = {};
    for await (const event of verifyFiles(path)) if (event.type === 'file') found[basename(event.file)] = event.result;
    return found;
  };
  const { path } = await resolveModel(REPOSITORY, options);
  const before = await results(path);
  assert.ok(Object.keys(before).length > 10 && Object.values(before).every((result) => result === 'intact'));
  await write(await realpath(join(path, 'model-00001-of-00001.safetensors')), bytesOf('damage', 311_113));
  await write(await realpath(join(path, 'config.json')), '{"model_type":"gpt_oss"}');
  const damaged = Object.entries(await results(path)).filter(([, result]) => result === 'damaged');
  assert.deepEqual(damaged.map(([name]) => name).sort(), ['config.json', 'model-00001-of-00001.safetensors']);
  const blob = await addToOllama(join(home, 'ollama'), `${LIBRARY}/gpt-oss/20b`, ggufBytes('gptoss'));
  assert.deepEqual(await results(blob), { [basename(blob)]: 'intact' });
  const { path: embedded } = await resolveModel('ossia-nano', options);
  assert.equal((await results(embedded))['config.json'], 'unknown');
});
