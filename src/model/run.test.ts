import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Backend, openBackend } from '../backends/index.ts';
import { OssiaError } from '../base/index.ts';
import { openCheckpoint } from '../checkpoint/index.ts';
import { evaluate, routing } from './evaluate.ts';
import { KvCache } from './kvcache.ts';
import { runStep, type StepEntry } from './run.ts';
import type { Model } from './types.ts';
import { loadModel } from './weights.ts';

const backend = await openBackend('reference');
const checkpoint = await openCheckpoint(fileURLToPath(new URL('../../test/golden/micro', import.meta.url)));
const model = loadModel(checkpoint, backend);
const { vocabSize } = model.config;
after(() => {
  backend.dispose();
  checkpoint.close();
});

/** Tokens that look random and are the same each time. */
const tokens = (count: number, seed = 1) =>
  Array.from({ length: count }, (_, i) => (i * i * 31 + seed * 97 + i * 7) % vocabSize);

/** A vector [size] of one value. */
const constant = (size: number, value: number) =>
  backend.upload({
    label: 'constant',
    dtype: 'f32',
    shape: [size],
    data: { bytes: new Uint8Array(new Float32Array(size).fill(value).buffer), offset: 0, strides: [4] },
  });

/** All logits of one sequence, run in steps of `chunk`. */
async function alone(ids: readonly number[], chunk = ids.length): Promise<Float32Array> {
  const rows = new Float32Array(ids.length * vocabSize);
  await evaluate(model, ids, { chunk, onRow: (index, row) => rows.set(row, index * vocabSize) });
  return rows;
}

test('a prompt gives the same bits in steps of 1, 7, 64 and whole, across the window', async () => {
  const ids = tokens(211);
  const whole = await alone(ids);
  for (const chunk of [1, 7, 64]) assert.deepEqual(await alone(ids, chunk), whole);
});

test('prefill of nine tokens beside decode steps of two other sequences equals each alone', async () => {
  const cache = new KvCache(model);
  const prompts = [tokens(150, 2), tokens(9, 3), tokens(40, 4)];
  const [a, b, c] = prompts.map(() => cache.open());
  await runStep(model, cache, [{ sequence: a!, ids: prompts[0]!.slice(0, -1), logits: 'none' }]);
  await runStep(model, cache, [{ sequence: c!, ids: prompts[2]!.slice(0, -1), logits: 'none' }]);
  const { logits } = await runStep(model, cache, [
    { sequence: a!, ids: prompts[0]!.slice(-1), logits: 'last' },
    { sequence: b!, ids: prompts[1]!, logits: [8, 2] },
    { sequence: c!, ids: prompts[2]!.slice(-1), logits: 'all' },
  ]);
  const row = async (prompt: number, at: number) =>
    (await alone(prompts[prompt]!)).subarray(at * vocabSize, (at + 1) * vocabSize);
  assert.deepEqual(logits[0], await row(0, 149));
  assert.deepEqual(logits[1]!.subarray(0, vocabSize), await row(1, 8));
  assert.deepEqual(logits[1]!.subarray(vocabSize), await row(1, 2));
  assert.deepEqual(logits[2], await row(2, 39));
});

test('a sequence that goes on from kept blocks gives the bits of one that read it all', async () => {
  const ids = tokens(333, 5);
  const whole = await alone(ids);
  for (const length of [256, 255, 257, 299, 300]) {
    const cache = new KvCache(model);
    const first = cache.open();
    await runStep(model, cache, [{ sequence: first, ids: ids.slice(0, 300), logits: 'none' }]);
    const kept = Array.from({ length: Math.ceil(length / 64) }, (_, index) => first.keep(index));
    await runStep(model, cache, [{ sequence: first, ids: tokens(70, 6), logits: 'none' }]); // another end
    const second = cache.open(kept, length);
    await runStep(model, cache, [{ sequence: first, ids: tokens(20, 7), logits: 'none' }]);
    first.release();
    for (const block of kept) block.release();
    const { logits } = await runStep(model, cache, [{ sequence: second, ids: ids.slice(length), logits: 'all' }]);
    assert.deepEqual(logits[0], whole.subarray(length * vocabSize), `after ${length}`);
  }
});

test('positions may be asked for in any order, and more than once', async () => {
  const ids = tokens(30, 7);
  const whole = await alone(ids);
  const positions = [29, 3, 17, 3];
  const found: Float32Array[] = positions.map(() => new Float32Array());
  await evaluate(model, ids, { chunk: 8, positions, onRow: (index, row) => found.splice(index, 1, row.slice()) });
  assert.deepEqual(
    found,
    positions.map((at) => whole.slice(at * vocabSize, (at + 1) * vocabSize)),
  );
});

test('observing inner values does not change the logits', async () => {
  const ids = tokens(70, 8);
  const run = async (observe?: (name: string) => boolean) => {
    const cache = new KvCache(model);
    return await runStep(model, cache, [{ sequence: cache.open(), ids, logits: [69, 5] }], observe ? { observe } : {});
  };
  const [plain, observing] = [await run(), await run((name) => name === 'layers.1.v' || name === 'final_norm')];
  assert.deepEqual(observing.logits, plain.logits);
  assert.deepEqual([...observing.observed.keys()], ['layers.1.v', 'final_norm']);
  assert.deepEqual(observing.observed.get('layers.1.v')!.shape, [
    70,
    model.config.numKeyValueHeads * model.config.headDim,
  ]);
  assert.equal(plain.observed.size, 0);
});

test('when a step fails, every sequence is as long as before and goes on as if nothing had been', async () => {
  const ids = tokens(200, 9);
  const cache = new KvCache(model);
  const [a, b] = [cache.open(), cache.open()];
  await runStep(model, cache, [{ sequence: a, ids: ids.slice(0, 100), logits: 'none' }]);
  const used = cache.bytesUsed;
  const failing: Model = { ...model, backend: failingOnce(backend) };
  const entries: StepEntry[] = [
    { sequence: a, ids: ids.slice(100), logits: 'last' },
    { sequence: b, ids: tokens(80), logits: 'last' },
  ];
  await assert.rejects(runStep(failing, cache, entries), /power cut/);
  assert.deepEqual([a.length, b.length, cache.bytesUsed], [100, 0, used]);
  const { logits } = await runStep(model, cache, entries);
  assert.deepEqual(logits[0], (await alone(ids)).subarray(199 * vocabSize));
});

/** Records a step and then fails to run it. */
function failingOnce(inner: Backend): Backend {
  const begin = () => {
    const step = inner.begin();
    step.read = () => Promise.reject(new Error('power cut'));
    return step;
  };
  return { ...inner, begin };
}

test('a step for which there is no room leaves the other sequences alone', async () => {
  const cache = new KvCache(model, { maxTokens: 128 });
  const [a, b] = [cache.open(), cache.open()];
  const step = runStep(model, cache, [
    { sequence: a, ids: tokens(60), logits: 'last' },
    { sequence: b, ids: tokens(65), logits: 'last' },
  ]);
  await assert.rejects(step, { code: 'engine/context-full' });
  assert.deepEqual([a.length, b.length, cache.bytesUsed], [0, 0, 0]);
});

test('logits that are no numbers are an error that names token and position', async () => {
  const nan = constant(model.config.hiddenSize, Number.NaN);
  const badNorm = { ...model, weights: { ...model.weights, norm: nan } };
  const onRow = () => assert.fail('a row came');
  await assert.rejects(evaluate(badNorm, [3, 4, 5], { positions: [2, 1], onRow }), {
    code: 'model/not-finite',
    message: 'Cannot use the result of the model: the logit of token 0 at position 1 is NaN',
  });
});

test('router weights that are no numbers are an error that names layer and position', async () => {
  const [first, second] = model.weights.layers;
  const routerBias = constant(model.config.numExperts, Number.NaN);
  const layers = [first!, { ...second!, experts: { ...second!.experts, routerBias } }];
  await assert.rejects(routing({ ...model, weights: { ...model.weights, layers } }, [3, 4]), {
    code: 'model/not-finite',
    message: 'Cannot use the result of the model: a router weight of layer 1, position 0 is NaN',
  });
});

test('a sequence longer than the context of the model is refused before anything runs', async () => {
  const short = { ...model, config: { ...model.config, maxContextLength: 9 } };
  const run = (length: number) => evaluate(short, tokens(length), { positions: [0], onRow: () => {} });
  await run(9);
  await assert.rejects(run(10), { code: 'engine/context-full', message: /10 tokens.* 9$/ });
  await assert.rejects(routing(short, tokens(10)), { code: 'engine/context-full' });
});

test('tokens that the vocabulary lacks are refused before anything runs', async () => {
  const cache = new KvCache(model);
  const sequence = cache.open();
  for (const id of [-1, vocabSize, 1.5, Number.NaN]) {
    const step = runStep(model, cache, [{ sequence, ids: [0, id], logits: 'last' }]);
    await assert.rejects(step, (error) => error instanceof OssiaError && error.code === 'tokenizer/unknown-token');
  }
  assert.equal(sequence.length, 0);
});

test('wrong entries are refused: empty, twice the same sequence, of another cache, rows that are not there', async () => {
  const cache = new KvCache(model);
  const sequence = cache.open();
  const wrong: StepEntry[][] = [
    [{ sequence, ids: [], logits: 'last' }],
    [
      { sequence, ids: [1], logits: 'last' },
      { sequence, ids: [2], logits: 'last' },
    ],
    [{ sequence: new KvCache(model).open(), ids: [1], logits: 'last' }],
    [{ sequence, ids: [1, 2], logits: [2] }],
    [{ sequence, ids: [1, 2], logits: [-1] }],
  ];
  for (const entries of wrong) await assert.rejects(runStep(model, cache, entries), /^(Type|Range)Error/);
  assert.equal(sequence.length, 0);
});

test('a chunk or position that makes no sense is refused', async () => {
  const onRow = () => {};
  await assert.rejects(evaluate(model, [1, 2], { chunk: 0, onRow }), RangeError);
  await assert.rejects(evaluate(model, [1, 2], { positions: [2], onRow }), RangeError);
});
