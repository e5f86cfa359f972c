import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { OssiaError } from '../base/index.ts';
import { fromWire, toWire } from './messages.ts';
import type { EngineOptions } from './open.ts';
import { startEngine, WorkerEngine } from './start.ts';
import type { EndEvent, GenerateEvent } from './types.ts';

const NANO = fileURLToPath(new URL('../../models/ossia-nano', import.meta.url));
const options: EngineOptions = { path: NANO, backend: 'reference', context: 700 };
const PROMPT = [3068, 2731, 3070, 1981, 488];

async function collect(events: AsyncIterable<GenerateEvent>): Promise<{ ids: number[]; end: EndEvent | undefined }> {
  const ids: number[] = [];
  let end: EndEvent | undefined;
  for await (const event of events) {
    if (event.type === 'token') ids.push(event.id);
    else end = event;
  }
  return { ids, end };
}

/** A worker that says it is ready and then does as told with each message. */
function scripted(onMessage: string): Worker {
  return new Worker(
    `const { parentPort } = require('node:worker_threads');
     parentPort.postMessage({ type: 'ready', info: { config: { vocabSize: 50 } } });
     parentPort.on('message', (message) => { ${onMessage} });`,
    { eval: true },
  );
}

test('the engine on its own thread says what it opened and generates', async () => {
  await using engine = await startEngine(options);
  const { info } = engine;
  assert.deepEqual(
    [info.backend, info.contextLength, info.layout, info.dense],
    ['reference', 700, 'huggingface', 'keep'],
  );
  assert.equal(info.defaults.temperature, 0);
  assert.ok(info.sizeBytes > 8_000_000 && info.kvBytesPerToken > 0);
  const first = await collect(engine.submit(PROMPT, { maxTokens: 7, stopIds: [] }));
  assert.deepEqual([first.ids.length, first.end?.reason], [7, 'length']);
  const [second, third] = await Promise.all([
    collect(engine.submit(PROMPT, { maxTokens: 7, stopIds: [] })),
    collect(engine.submit(PROMPT, { maxTokens: 5, temperature: 1, seed: 3, stopIds: [] })),
  ]);
  assert.deepEqual(second.ids, first.ids);
  assert.deepEqual(
    (await collect(engine.submit(PROMPT, { maxTokens: 5, temperature: 1, seed: 3, stopIds: [] }))).ids,
    third.ids,
  );
});

test('keys and values at 8 bits and guesses are asked for at the start, and what is wrong with them is said there', async () => {
  await using engine = await startEngine({ ...options, kvBits: 8, speculate: 3 });
  assert.equal(engine.info.kvBits, 8);
  const { ids } = await collect(engine.submit(PROMPT, { maxTokens: 7, stopIds: [] }));
  assert.equal(ids.length, 7);
  const wrong = [{ kvBits: 4 as 8 }, { speculate: 9 }, { speculate: 0.5 }, { speculate: 'on' as 'off' }];
  for (const options_ of wrong) {
    await assert.rejects(startEngine({ ...options, ...options_ }), {
      code: 'engine/bad-parameter',
      details: { parameter: Object.keys(options_)[0] },
    });
  }
});

test('numbers cross the thread, and what the cache may grow to is known before', async () => {
  await using engine = await startEngine({ ...options, cacheTokens: 1300, maxRunning: 3 });
  const before = await engine.stats();
  assert.deepEqual([before.blockSize, before.blockCapacity, before.kvBytesUsed], [64, 21, 0]);
  assert.deepEqual([before.maxRunning, before.maxWaiting, before.steps], [3, 64, 0]);
  assert.equal(before.kvBytesCapacity, engine.info.kvBytesCapacity);
  assert.ok(engine.info.kvBytesCapacity >= 21 * 64 * engine.info.kvBytesPerToken);
  const { signal: hurry } = new AbortController();
  const reading = collect(engine.submit(PROMPT, { maxTokens: 7, stopIds: [] }, { client: 'me', hurry }));
  const [during] = await Promise.all([engine.stats(), reading]);
  assert.equal(during.running + during.waiting + during.requests.length, 1);
  assert.equal(getEventListeners(hurry, 'abort').length, 0);
  const after = await engine.stats();
  assert.deepEqual([after.prefillTokens, after.decodeTokens, after.requests.length], [PROMPT.length, 7, 1]);
  assert.ok(after.blocksInUse === 1 && after.kvBytesUsed > 0 && after.kvBytesUsed <= after.kvBytesCapacity);
  const unanswered = engine.stats();
  await engine.close();
  await unanswered;
  await assert.rejects(engine.stats(), { code: 'engine/closed' });
});

test('errors keep their code and details across the thread', async () => {
  await using engine = await startEngine(options);
  await assert.rejects(collect(engine.submit(new Array(700).fill(5))), (error: unknown) => {
    assert.ok(error instanceof OssiaError);
    assert.deepEqual([error.code, error.details.contextLength], ['engine/context-full', 700]);
    return true;
  });
  await assert.rejects(collect(engine.submit([1], { topP: 7 })), { code: 'engine/bad-parameter' });
  await assert.rejects(collect(engine.submit([3072])), { code: 'engine/bad-parameter' });
});

test('a model that cannot be opened rejects the start with its own error', async () => {
  await assert.rejects(startEngine({ path: '/no/such/model' }), { code: 'checkpoint/not-found' });
  await assert.rejects(startEngine({ ...options, context: 131_073 }), {
    code: 'engine/bad-parameter',
    message: /context .*got 131073/,
  });
  await assert.rejects(startEngine({ ...options, cacheTokens: 699 }), {
    code: 'engine/bad-parameter',
    message: /cacheTokens .*\[700, .*got 699/,
  });
});

test('a signal ends the generation, and a reader who leaves too', async () => {
  await using engine = await startEngine(options);
  const abort = new AbortController();
  let count = 0;
  let end: EndEvent | undefined;
  for await (const event of engine.submit(PROMPT, { stopIds: [] }, { signal: abort.signal })) {
    if (event.type === 'end') end = event;
    else if (++count === 3) abort.abort();
  }
  assert.equal(end?.reason, 'cancelled');
  assert.ok(count < 30, `${count} tokens after a signal at 3`);
  for await (const _ of engine.submit(PROMPT, { stopIds: [] })) break;
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  const fired = await collect(engine.submit(PROMPT, {}, { signal: AbortSignal.abort() }));
  assert.deepEqual([fired.ids.length <= 1, fired.end?.reason], [true, 'cancelled']);
});

test('close in the middle of a generation ends it as cancelled, and later requests are refused', async () => {
  const engine = await startEngine(options);
  const reading = collect(engine.submit(PROMPT, { stopIds: [] }));
  await collect(engine.submit(PROMPT, { maxTokens: 2 }));
  await Promise.all([engine.close(), engine.close()]);
  assert.equal((await reading).end?.reason, 'cancelled');
  await assert.rejects(collect(engine.submit(PROMPT)), { code: 'engine/closed' });
});

test('a thread that dies fails every pending request and every later one', async () => {
  for (const death of ['throw new Error("out of luck")', 'process.exit(3)']) {
    const engine = await WorkerEngine.connect(scripted(death));
    const pending = [collect(engine.submit([1])), collect(engine.submit([2])), engine.stats()];
    for (const each of pending) await assert.rejects(each, { code: 'engine/crashed', message: /out of luck|status 3/ });
    await assert.rejects(collect(engine.submit([3])), { code: 'engine/crashed' });
    await assert.rejects(engine.stats(), { code: 'engine/crashed' });
    await engine.close();
  }
});

test('a thread that dies while it starts rejects the start', async () => {
  const worker = new Worker('throw new TypeError("no legs")', { eval: true });
  await assert.rejects(WorkerEngine.connect(worker), {
    code: 'engine/crashed',
    message: 'Cannot start the engine: no legs',
  });
  await assert.rejects(WorkerEngine.connect(new Worker('', { eval: true })), {
    code: 'engine/crashed',
    message: /status 0/,
  });
});

test('a program that forgets to close still ends', () => {
  const start = new URL('./start.ts', import.meta.url);
  const program = `import { startEngine } from ${JSON.stringify(start.href)};
    const engine = await startEngine(${JSON.stringify(options)});
    for await (const event of engine.submit([1, 2], { maxTokens: 2 })) console.log(event.type);`;
  const run = (source: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8', timeout: 20_000 });
  const { status, stdout, stderr } = run(program);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'token\ntoken\nend\n');
  const idle = run(program.slice(0, program.indexOf('for await')));
  assert.deepEqual([idle.status, idle.stdout], [0, '']);
});

test('close waits for the thread although nothing else keeps the program alive', () => {
  const start = new URL('./start.ts', import.meta.url);
  const program = `import { startEngine } from ${JSON.stringify(start.href)};
    const engine = await startEngine(${JSON.stringify(options)});
    const reading = Array.fromAsync(engine.submit([1, 2], { stopIds: [] }));
    await engine.close();
    console.log((await reading).at(-1).reason);`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'cancelled\n');
});

test('errors of every kind survive the journey as what they were', () => {
  const cause = new RangeError('too far');
  const error = new OssiaError('model/not-finite', 'NaN', { cause, details: { id: 3, callback: () => 1 } });
  const back = fromWire(structuredClone(toWire(error)));
  assert.ok(back instanceof OssiaError && back.cause instanceof RangeError);
  assert.deepEqual(
    [back.code, back.message, back.details.id, typeof back.details.callback],
    ['model/not-finite', 'NaN', 3, 'string'],
  );
  assert.ok(fromWire(toWire(new TypeError('t'))) instanceof TypeError);
  assert.equal(fromWire(toWire('text')).message, 'text');
});

test('hurry and forced tokens cross the thread', async () => {
  const source = `export const openConstraints = () => ({ run }) => ({
    allow: (mask) => mask.fill(-1),
    advance: () => { run.shift(); },
    forced: () => run,
    hurry: () => { run = [4, 5, 6]; },
  });`;
  const constraints = `data:text/javascript,${encodeURIComponent(source)}`;
  await using engine = await startEngine({ ...options, constraints });
  const hurry = new AbortController();
  const found: string[] = [];
  const params = { stopIds: [6], constraint: { run: [1, 2] }, logitBias: { 6: -100 } };
  for await (const event of engine.submit(PROMPT, params, { hurry: hurry.signal })) {
    found.push(event.type === 'end' ? event.reason : `${event.id}${event.forced ? ' forced' : ''}`);
    if (found.length === 5) hurry.abort();
  }
  assert.deepEqual(found.slice(0, 2), ['1 forced', '2 forced']);
  assert.deepEqual(found.slice(-4), ['4 forced', '5 forced', '6 forced', 'stop']);
  assert.ok(found.length < 60 && found.slice(2, -4).every((each) => !each.includes('forced')), `${found}`);
  assert.equal(getEventListeners(hurry.signal, 'abort').length, 0);
});

test('a module makes constraints out of what requests carry', async () => {
  const source = `export const openConstraints = async ({ path, vocabSize }) => ({ only }) => {
    if (!path.endsWith('ossia-nano') || vocabSize !== 3072) throw new TypeError('Not the model');
    if (only === undefined) throw new RangeError('Expected only');
    return { allow: (mask) => { mask[only >>> 5] |= 1 << (only & 31); }, advance: (id) => { only = id + 1; } };
  };`;
  const constraints = `data:text/javascript,${encodeURIComponent(source)}`;
  await using engine = await startEngine({ ...options, constraints });
  const params = { maxTokens: 3, stopIds: [] };
  const { ids } = await collect(engine.submit(PROMPT, { ...params, constraint: { only: 77 } }));
  assert.deepEqual(ids, [77, 78, 79]);
  await assert.rejects(collect(engine.submit(PROMPT, { ...params, constraint: {} })), RangeError);
  await using bare = await startEngine(options);
  await assert.rejects(collect(bare.submit(PROMPT, { ...params, constraint: { only: 77 } })), {
    code: 'engine/bad-parameter',
    message: /without `constraints`/,
  });
  await assert.rejects(startEngine({ ...options, constraints: 'data:text/javascript,export {}' }), /openConstraints/);
});
