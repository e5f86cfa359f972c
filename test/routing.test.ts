import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openBackend } from '../src/backends/index.ts';
import { OssiaError } from '../src/base/index.ts';
import { load } from '../src/chat/index.ts';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { LocalEngine } from '../src/engine/index.ts';
import { ModelRunner } from '../src/engine/model-runner.ts';
import { type LayerRouting, loadModel, routing } from '../src/model/index.ts';

const path = fileURLToPath(new URL('../models/ossia-nano', import.meta.url));
const checkpoint = await openCheckpoint(path);
const backend = await openBackend('cpu').catch(() => openBackend('reference'));
const whole = loadModel(checkpoint, backend, {});
const model = await load('ossia-nano', { context: 4096, prefill: { alone: 96, besideDecode: 7 } });
after(async () => {
  await model.close();
  backend.dispose();
  checkpoint.close();
});

const ids = (count: number) => Array.from({ length: count }, (_, i) => (i * 7919 + 13) % 2500);

function slice(layers: readonly LayerRouting[], from: number) {
  const picked = whole.config.expertsPerToken;
  return layers.map(({ experts, weights }) => ({
    experts: experts.slice(from * picked),
    weights: weights.slice(from * picked),
  }));
}

const refusal = (code: string) => (error: unknown) => error instanceof OssiaError && error.code === code;

test('experts told in pieces are those of the whole, to the bit, wherever telling begins', async () => {
  const all = await routing(whole, ids(700), { chunk: 700 });
  assert.deepEqual(await model.routing(ids(700)), all);
  for (const from of [1, 95, 96, 97, 350, 699, 700]) {
    assert.deepEqual(await model.routing(ids(700), { from }), slice(all, from), `from ${from}`);
    assert.deepEqual(await routing(whole, ids(700), { chunk: 33, from }), slice(all, from), `in 33s from ${from}`);
  }
});

test('the experts of a turn are those that were asked while it was sampled, and turns go on meanwhile', async () => {
  const run = async () => {
    const seen: number[] = [];
    for await (const event of model.generate([1, 2, 3], { maxTokens: 300, seed: 5, stopIds: [] })) {
      if (event.type === 'token') seen.push(event.id);
    }
    return seen;
  };
  const alone = await run();
  const [beside, routed] = await Promise.all([run(), model.routing([1, 2, 3, ...alone])]);
  assert.deepEqual(beside, alone);
  assert.deepEqual(routed, await routing(whole, [1, 2, 3, ...alone], { chunk: 1 }));
});

test('steps and pieces take turns: none begins before the other has ended', async () => {
  let [active, most, steps] = [0, 0, 0];
  const begin = () => {
    const step = backend.begin();
    const read = step.read.bind(step);
    step.read = async (tensors) => {
      most = Math.max(most, ++active);
      steps++;
      return await read(tensors).finally(() => active--);
    };
    return step;
  };
  const watched = new Proxy(backend, {
    get(target, key) {
      const value = key === 'begin' ? begin : Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const runner = new ModelRunner({ ...whole, backend: watched }, { contextLength: 512 });
  const engine = new LocalEngine(runner);
  const generate = async () => {
    for await (const _ of engine.submit([1, 2, 3], { maxTokens: 40, seed: 5, stopIds: [] }));
  };
  await Promise.all([generate(), engine.routing(ids(500)), generate(), engine.routing(ids(300))]);
  assert.equal(most, 1);
  assert.ok(steps > 40 + 2 * 2);
  await engine.close();
  runner.dispose();
});

test('what was asked in vain is refused, and says why', async () => {
  await assert.rejects(model.routing([1, 2 ** 31]), refusal('engine/bad-parameter'));
  await assert.rejects(model.routing([1, 2.5]), refusal('engine/bad-parameter'));
  await assert.rejects(model.routing([1, 2], { from: 3 }), refusal('engine/bad-parameter'));
  await assert.rejects(model.routing(ids(4097)), refusal('engine/context-full'));
  const empty = await model.routing([]);
  assert.deepEqual([empty?.length, empty?.[0]?.experts.length], [whole.config.numLayers, 0]);
});

test('who leaves stops the work, and who comes when enough waits is sent away', async () => {
  const leaving = new AbortController();
  const all = Array.from({ length: 12 }, () => model.routing(ids(4000), { signal: leaving.signal }));
  const left = Promise.all(all.slice(0, 9).map((waiting) => assert.rejects(waiting, /left/)));
  await Promise.all(all.slice(9).map((sentAway) => assert.rejects(sentAway, refusal('engine/queue-full'))));
  leaving.abort(new Error('left'));
  await left;
  assert.equal((await model.routing(ids(3)))?.length, whole.config.numLayers); // the place is free again
  await assert.rejects(model.routing(ids(3), { signal: leaving.signal }), /left/);
});

test('an engine that closes ends what it computes in the background', async () => {
  const other = await load('ossia-nano', { context: 4096, prefill: { alone: 4, besideDecode: 4 } });
  const asked = assert.rejects(other.routing(ids(4000)), (error) => error instanceof OssiaError);
  await other.close();
  await asked;
  await assert.rejects(other.routing([1]), /closed/);
});
