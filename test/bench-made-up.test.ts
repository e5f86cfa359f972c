import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MadeUpPrefill } from '../bench/speed/made-up.ts';
import { openBackend } from '../src/backends/index.ts';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { LocalEngine } from '../src/engine/index.ts';
import { ModelRunner } from '../src/engine/model-runner.ts';
import { loadModel, type Model } from '../src/model/index.ts';

const backend = await openBackend('reference');
const checkpoint = await openCheckpoint(fileURLToPath(new URL('golden/micro', import.meta.url)));
const model = loadModel(checkpoint, backend);
after(() => {
  backend.dispose();
  checkpoint.close();
});

const ids = (count: number, seed = 1) =>
  Array.from({ length: count }, (_, i) => (i * i * 31 + seed * 97 + i * 7) % model.config.vocabSize);
const runners = { computed: () => new ModelRunner(model), madeUp: () => new MadeUpPrefill(model, {}) };

/** The first layer alone, whose keys and values do come from the embeddings. */
function oneLayer(): Model {
  const { config, weights } = model;
  const windows = [0]; // it sees all of them
  return {
    ...model,
    config: { ...config, numLayers: 1, windows },
    weights: { ...weights, layers: [weights.layers[0]!] },
  };
}

/** The logits after pieces of a text, the last of which asks for them. */
async function logitsAfter(runner: ModelRunner, ...pieces: readonly (readonly number[])[]): Promise<Float32Array> {
  const sequence = runner.open();
  let logits: Float32Array[] = [];
  for (const [i, piece] of pieces.entries()) {
    logits = await runner.step([{ sequence, ids: piece, logits: i === pieces.length - 1 ? 1 : 0 }]);
  }
  assert.equal(sequence.length, pieces.flat().length);
  assert.equal(logits.length, 1);
  assert.ok(logits[0]!.every(Number.isFinite));
  sequence.release();
  return logits[0]!;
}

test('a prompt of one piece is computed', async () => {
  assert.deepEqual(
    await logitsAfter(runners.madeUp(), ids(512), [7]),
    await logitsAfter(runners.computed(), ids(512), [7]),
  );
});

test('what follows the first piece is made up, in the same room, and the tokens after it see it', async () => {
  const runner = runners.madeUp();
  const text = [ids(512), ids(200, 2), ids(100, 3), [7]];
  const logits = await logitsAfter(runner, ...text);
  assert.notDeepEqual(logits, await logitsAfter(runners.computed(), ...text)); // or nothing would be gained
  assert.deepEqual(logits, await logitsAfter(runners.madeUp(), ids(512), [...ids(200, 2), ...ids(100, 3)], [7])); // by chunks
  assert.deepEqual(logits, await logitsAfter(runners.madeUp(), ids(512), [...ids(200, 2), ...ids(100, 3), 7])); // and with the last
  assert.notDeepEqual(logits, await logitsAfter(runners.madeUp(), ids(512), ids(200, 4), ids(100, 3), [7])); // other keys
  const sequence = runner.open();
  for (const piece of text) await runner.step([{ sequence, ids: piece, logits: 0 }]);
  assert.equal(runner.blocksInUse(), Math.ceil(813 / 64));
  sequence.release();
  assert.equal(runner.blocksInUse(), 0);
});

test('the first layer has the keys and values that it would have', async () => {
  const shallow = oneLayer();
  const text = [ids(512), ids(300, 2), [7]];
  assert.deepEqual(
    await logitsAfter(new MadeUpPrefill(shallow, {}), ...text),
    await logitsAfter(new ModelRunner(shallow), ...text),
  );
});

test('an engine decodes after it', { timeout: 60_000 }, async () => {
  const engine = new LocalEngine(runners.madeUp(), { maxKept: 0, speculate: 'off' });
  const types: string[] = [];
  for await (const event of engine.submit(ids(2000), { maxTokens: 4, stopIds: [], seed: 1 })) types.push(event.type);
  assert.deepEqual(types, ['token', 'token', 'token', 'token', 'end']);
  await engine.close();
});
