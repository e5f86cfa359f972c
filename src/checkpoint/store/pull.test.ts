import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { scanCacheDir } from '@huggingface/hub';
import { digestOf } from '../../../test/support/hub-server.ts';
import { ggufBytes, gptOssFiles, isolated, REPOSITORY, startHub, write } from '../../../test/support/store-fixtures.ts';
import { CachedRepository } from './hub-cache.ts';
import { type PullEvent, type PullOptions, pull } from './pull.ts';
import { resolveModel } from './resolve.ts';

async function collect(name: string, options: PullOptions): Promise<readonly PullEvent[]> {
  const events: PullEvent[] = [];
  for await (const event of pull(name, options)) events.push(event);
  return events;
}

const ofType = <T extends PullEvent['type']>(events: readonly PullEvent[], type: T) =>
  events.filter((event): event is Extract<PullEvent, { type: T }> => event.type === type);

const DEFAULT_FILES = gptOssFiles().filter(({ path }) => !/^(?:original|metal)\/|^\.git/.test(path));
const DEFAULT_BYTES = DEFAULT_FILES.reduce((sum, { bytes }) => sum + bytes.length, 0);

test('a pulled model is a hub cache that other tools accept, with every file as published', async (t) => {
  const { hub, options } = await startHub(t);
  const events = await collect('gpt-oss:20b', options);
  const [plan] = ofType(events, 'plan');
  assert.equal(plan?.totalBytes, DEFAULT_BYTES);
  assert.equal(plan?.presentBytes, 0);
  const done = events.at(-1);
  assert.ok(done?.type === 'done');
  const snapshot = join(options.hubCache, 'models--openai--gpt-oss-20b', 'snapshots', hub.commit);
  assert.equal(done.model.path, snapshot);
  assert.deepEqual((await readdir(snapshot)).sort(), DEFAULT_FILES.map(({ path }) => path).sort());
  for (const file of DEFAULT_FILES) {
    assert.deepEqual(new Uint8Array(await readFile(join(snapshot, file.path))), new Uint8Array(file.bytes));
    assert.equal(await readlink(join(snapshot, file.path)), join('..', '..', 'blobs', digestOf(file)));
  }
  const scan = await scanCacheDir(options.hubCache);
  assert.deepEqual(scan.warnings, []);
  assert.deepEqual(scan.repos[0]?.id, { name: REPOSITORY, type: 'model' });
  assert.deepEqual(scan.repos[0]?.revisions[0]?.refs, ['main']);
  assert.equal(scan.repos[0]?.size, DEFAULT_BYTES);
  assert.deepEqual(await resolveModel('openai/gpt-oss-20b', options), done.model);
});

test('progress grows to the total, and says how fast and how long', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { delayMs: 5 };
  const events = await collect(REPOSITORY, { ...options, progressMs: 0 });
  const progress = ofType(events, 'progress');
  assert.ok(progress.length > 15);
  assert.equal(progress.at(-1)?.doneBytes, DEFAULT_BYTES);
  for (const [index, event] of progress.entries()) {
    assert.ok(event.doneBytes >= (progress[index - 1]?.doneBytes ?? 0) && event.doneBytes <= event.totalBytes);
  }
  const middle = progress[progress.length >> 1]!;
  assert.ok(middle.bytesPerSecond > 0);
  const left = (middle.totalBytes - middle.doneBytes) / middle.bytesPerSecond;
  assert.ok(Math.abs(middle.secondsLeft! - left) < 0.5 * left + 0.05);
});

test('a complete model is not downloaded again', async (t) => {
  const { hub, options } = await startHub(t);
  await collect(REPOSITORY, options);
  hub.takeSeen();
  const [plan] = ofType(await collect(REPOSITORY, options), 'plan');
  assert.equal(plan?.presentBytes, DEFAULT_BYTES);
  assert.ok(hub.takeSeen().every(({ path }) => path.startsWith('/api/')));
});

test('a connection that breaks half way continues with Range and transfers no byte twice', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { breaks: 3, breakAfterBytes: 131_072 };
  const events = await collect(REPOSITORY, options);
  assert.equal(ofType(events, 'retry').length, 3);
  const seen = hub.takeSeen();
  const ranges = seen.filter(({ range, status }) => range && status === 206).map(({ range }) => range);
  assert.ok(ranges.includes('bytes=131072-'), String(ranges));
  assert.equal(
    seen.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
    DEFAULT_BYTES,
  );
});

test('a pull that was stopped continues in the next one, after hashing what is there', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { breaks: 99, breakAfterBytes: 196_608 };
  await assert.rejects(collect(REPOSITORY, { ...options, retries: 0, parallel: 1 }), { code: 'store/offline' });
  assert.ok(hub.takeSent() > 0);
  hub.faults = {};
  const events = await collect(REPOSITORY, options);
  const [plan] = ofType(events, 'plan');
  assert.ok(plan && plan.presentBytes >= 196_608);
  assert.equal(hub.takeSent(), plan.totalBytes - plan.presentBytes);
  assert.ok(ofType(events, 'verify').some(({ doneBytes }) => doneBytes === 196_608));
});

test('retries are bounded: a server that never gets far is given up as offline', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { breaks: 99, breakAfterBytes: 1 };
  await assert.rejects(collect(REPOSITORY, { ...options, retries: 3, parallel: 1 }), {
    code: 'store/offline',
    message: /tokenizer\.json: 4 of 40009 bytes/,
  });
  assert.equal(hub.takeSeen().filter(({ path }) => path.startsWith('/cdn/')).length, 4);
});

test('a server that ignores Range is asked from the start, and the file is right', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { breaks: 1, breakAfterBytes: 131_072, ignoreRange: true };
  await collect(REPOSITORY, { ...options, parallel: 1 });
  assert.equal(hub.takeSent(), DEFAULT_BYTES + 131_072);
});

test('a connection on which nothing arrives counts as broken', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { stalls: 1 };
  const events = await collect(REPOSITORY, { ...options, stallMs: 60 });
  assert.match(ofType(events, 'retry')[0]?.reason ?? '', /nothing arrived for 0\.06 s/);
  assert.equal(hub.takeSent(), DEFAULT_BYTES);
});

test('a corrupted file is downloaded once more', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { corrupt: 1 };
  const events = await collect(REPOSITORY, { ...options, parallel: 1 });
  assert.match(ofType(events, 'retry')[0]?.reason ?? '', /tokenizer\.json differs/);
  assert.equal(hub.takeSent(), DEFAULT_BYTES + 40_009);
});

test('a file that is corrupted twice is deleted and reported', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { corrupt: 2 };
  await assert.rejects(collect(REPOSITORY, { ...options, parallel: 1 }), {
    code: 'store/corrupted',
    message: /tokenizer/,
  });
  const { path } = new CachedRepository(options.hubCache, REPOSITORY);
  const wrong = digestOf(gptOssFiles().find((file) => file.path === 'tokenizer.json')!);
  assert.deepEqual(
    (await readdir(join(path, 'blobs'))).filter((name) => name.startsWith(wrong)),
    [],
  );
  await assert.rejects(resolveModel(REPOSITORY, options), { code: 'store/unknown-model' });
});

test('a wrong beginning left by another program is found by the digest and replaced', async (t) => {
  const { hub, options } = await startHub(t);
  const shard = gptOssFiles().find(({ path }) => path === 'model-00001-of-00001.safetensors')!;
  const blob = new CachedRepository(options.hubCache, REPOSITORY).blobPath(digestOf(shard));
  await write(`${blob}.incomplete`, new Uint8Array(100_000));
  await collect(REPOSITORY, options);
  assert.deepEqual(new Uint8Array(await readFile(blob)), shard.bytes);
  assert.equal(hub.takeSent(), DEFAULT_BYTES - 100_000 + shard.bytes.length);
});

test('a blob that a crash cut short is completed', async (t) => {
  const { hub, options } = await startHub(t);
  await collect(REPOSITORY, options);
  const shard = gptOssFiles().find(({ path }) => path === 'model-00000-of-00001.safetensors')!;
  const blob = new CachedRepository(options.hubCache, REPOSITORY).blobPath(digestOf(shard));
  await write(blob, shard.bytes.subarray(0, 500_000));
  hub.takeSeen();
  await collect(REPOSITORY, options);
  assert.deepEqual(new Uint8Array(await readFile(blob)), shard.bytes);
  assert.equal(hub.takeSent(), 200_001);
});

test('verify finds a changed byte in a file of the right length', async (t) => {
  const { hub, options } = await startHub(t);
  await collect(REPOSITORY, options);
  const shard = gptOssFiles().find(({ path }) => path === 'model-00000-of-00001.safetensors')!;
  const blob = new CachedRepository(options.hubCache, REPOSITORY).blobPath(digestOf(shard));
  await write(
    blob,
    Uint8Array.from(shard.bytes, (byte, index) => (index === 77 ? byte ^ 1 : byte)),
  );
  hub.takeSeen();
  await collect(REPOSITORY, options);
  assert.equal(hub.takeSent(), 0);
  await collect(REPOSITORY, { ...options, verify: true });
  assert.equal(hub.takeSent(), shard.bytes.length);
  assert.deepEqual(new Uint8Array(await readFile(blob)), shard.bytes);
});

test('an abort stops the download with its own reason and keeps what came', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { delayMs: 20 };
  const controller = new AbortController();
  const events: PullEvent[] = [];
  const run = async () => {
    for await (const event of pull(REPOSITORY, { ...options, signal: controller.signal, progressMs: 0 })) {
      events.push(event);
      if (event.type === 'progress' && event.doneBytes > 300_000) controller.abort(new Error('enough'));
    }
  };
  await assert.rejects(run, { message: 'enough' });
  const blobs = await readdir(join(options.hubCache, 'models--openai--gpt-oss-20b', 'blobs'));
  assert.ok(blobs.some((name) => name.endsWith('.incomplete')));
  hub.faults = {};
  hub.takeSeen();
  const [plan] = ofType(await collect(REPOSITORY, options), 'plan');
  assert.ok(plan && plan.presentBytes > 250_000);
  assert.equal(hub.takeSent(), plan.totalBytes - plan.presentBytes);
});

test('a reader that leaves stops the download and frees the model for the next one', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { delayMs: 20 };
  for await (const event of pull(REPOSITORY, options)) if (event.type === 'progress') break;
  assert.ok(hub.takeSent() < DEFAULT_BYTES / 2);
  hub.faults = {};
  assert.equal((await collect(REPOSITORY, options)).at(-1)?.type, 'done');
});

test('a process that was killed in the middle leaves a download that the next one continues', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { delayMs: 20 };
  const script = `
    const { pull } = await import(${JSON.stringify(new URL('./pull.ts', import.meta.url).href)});
    for await (const event of pull('${REPOSITORY}', ${JSON.stringify(options)}))
      if (event.type === 'progress' && event.doneBytes > 400_000) process.kill(process.pid, 'SIGKILL');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'ignore' });
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  hub.faults = {};
  hub.takeSeen();
  const events = await collect(REPOSITORY, options);
  const [plan] = ofType(events, 'plan');
  assert.ok(plan && plan.presentBytes > 0, 'nothing was kept');
  assert.equal(hub.takeSent(), plan.totalBytes - plan.presentBytes);
  assert.equal(events.at(-1)?.type, 'done');
});

test('include original takes that directory and the tokenizer', async (t) => {
  const { hub, options } = await startHub(t);
  const done = (await collect('gpt-oss-20b', { ...options, include: 'original' })).at(-1);
  assert.ok(done?.type === 'done');
  const snapshot = join(options.hubCache, 'models--openai--gpt-oss-20b', 'snapshots', hub.commit);
  assert.equal(done.model.path, join(snapshot, 'original'));
  assert.equal(done.model.tokenizer, join(snapshot, 'tokenizer.json'));
  assert.equal(done.model.layout, 'original');
  assert.deepEqual((await readdir(join(snapshot, 'original'))).sort(), [
    'config.json',
    'dtypes.json',
    'model.safetensors',
  ]);
  assert.deepEqual(await readdir(snapshot).then((names) => names.filter((name) => /safetensors/.test(name))), []);
  assert.equal((await resolveModel('gpt-oss:20b', options)).path, join(snapshot, 'original'));
});

test('include gguf goes to the GGUF repository and takes the MXFP4 file', async (t) => {
  const files = [
    { path: 'README.md', bytes: Buffer.from('GGUF') },
    { path: 'gpt-oss-20b-Q4_K_M.gguf', bytes: ggufBytes('gpt-oss', 9_001), lfs: true },
    { path: 'gpt-oss-20b-mxfp4.gguf', bytes: ggufBytes('gpt-oss', 8_009), lfs: true },
  ];
  const { hub, options } = await startHub(t, files, 'ggml-org/gpt-oss-20b-GGUF');
  hub.modelType = undefined;
  const done = (await collect('openai/gpt-oss-20b', { ...options, include: 'gguf' })).at(-1);
  assert.ok(done?.type === 'done');
  const snapshot = join(options.hubCache, 'models--ggml-org--gpt-oss-20b-GGUF', 'snapshots', hub.commit);
  assert.equal(done.model.path, join(snapshot, 'gpt-oss-20b-mxfp4.gguf'));
  assert.deepEqual((await readdir(snapshot)).sort(), ['README.md', 'gpt-oss-20b-mxfp4.gguf']);
  assert.equal((await resolveModel('gpt-oss:20b', options)).path, done.model.path);
});

test('a disk without symbolic links gets the files themselves, once', async (t) => {
  const { hub, options } = await startHub(t);
  const plain = { ...options, symlinks: false };
  const done = (await collect(REPOSITORY, plain)).at(-1);
  assert.ok(done?.type === 'done');
  const shard = await lstat(join(done.model.path, 'model-00000-of-00001.safetensors'));
  assert.ok(shard.isFile() && shard.size === 700_001);
  assert.deepEqual(await readdir(join(options.hubCache, 'models--openai--gpt-oss-20b', 'blobs')), []);
  hub.takeSeen();
  await collect(REPOSITORY, plain);
  assert.equal(hub.takeSent(), 0);
  assert.deepEqual((await scanCacheDir(options.hubCache)).warnings, []);
});

test('a full disk is noticed before the first byte, with both numbers', async (t) => {
  const { hub, options } = await startHub(t);
  const freeBytes = async () => DEFAULT_BYTES - 1;
  await assert.rejects(collect(REPOSITORY, { ...options, freeBytes }), {
    code: 'store/disk-full',
    details: {
      neededBytes: DEFAULT_BYTES,
      freeBytes: DEFAULT_BYTES - 1,
      path: join(options.hubCache, 'models--openai--gpt-oss-20b'),
    },
  });
  assert.equal(hub.takeSent(), 0);
  await collect(REPOSITORY, { ...options, freeBytes: async () => DEFAULT_BYTES });
});

test('a second pull of the same model is told who holds it', async (t) => {
  const { hub, options } = await startHub(t);
  hub.faults = { delayMs: 10 };
  const first = collect(REPOSITORY, options);
  await new Promise((resolve) => setTimeout(resolve, 60));
  await assert.rejects(collect(REPOSITORY, options), {
    code: 'store/busy',
    message: new RegExp(`process ${process.pid} on`),
  });
  assert.equal((await first).at(-1)?.type, 'done');
  hub.takeSeen();
  assert.equal((await collect(REPOSITORY, options)).at(-1)?.type, 'done');
});

test('a new commit shares the blobs that did not change and moves main only when complete', async (t) => {
  const { hub, options } = await startHub(t);
  const before = hub.commit;
  await collect(REPOSITORY, options);
  hub.takeSeen();
  hub.commit = 'c'.repeat(40);
  hub.files = hub.files.map((file) => (file.path === 'README.md' ? { ...file, bytes: Buffer.from('# new') } : file));
  hub.faults = { refusals: 1, refusal: { status: 403 } };
  await assert.rejects(collect(REPOSITORY, options), { code: 'store/forbidden' });
  assert.equal((await resolveModel(REPOSITORY, options)).commit, before);
  await collect(REPOSITORY, options);
  assert.equal(hub.takeSent(), 5);
  assert.equal((await resolveModel(REPOSITORY, options)).commit, hub.commit);
  assert.equal((await resolveModel(REPOSITORY, { ...options, revision: before })).commit, before);
});

test('files with the same bytes share one blob', async (t) => {
  const files = [...gptOssFiles(), { path: 'NOTICE', bytes: gptOssFiles()[1]!.bytes }];
  const { options } = await startHub(t, files);
  const done = (await collect(REPOSITORY, options)).at(-1);
  assert.ok(done?.type === 'done');
  assert.equal(await readlink(join(done.model.path, 'NOTICE')), await readlink(join(done.model.path, 'LICENSE')));
});

test('the embedded model needs no download, and a name that stands for no repository is refused', async (t) => {
  const { home } = await startHub(t);
  const options = isolated(home);
  const events = await collect('ossia-nano', options);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['done'],
  );
  for (const name of ['gpt-oss-21b', './here', 'a/b/c', '']) {
    await assert.rejects(collect(name, options), { code: 'store/unknown-model' });
  }
  await assert.rejects(collect(REPOSITORY, { ...options, offline: true }), { code: 'store/offline' });
});
