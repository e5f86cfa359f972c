import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { evaluate, KvCache, type LoadOptions, loadModel, type Model, routing, runStep } from '../src/model/index.ts';
import { cpuMissing, withBackend } from './support/backends.ts';
import { convertToGguf } from './support/gguf-writer.ts';
import {
  argmax,
  type Bars,
  Comparison,
  type GoldenSequence,
  goldenCase,
  goldenDirectory,
  readNumbers,
} from './support/golden.ts';

const skipCpu = await cpuMissing();
const cases = ['micro', 'original-layout', 'small', 'long'];

let scratch = '';
before(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ossia-golden-'));
});
after(() => rmSync(scratch, { recursive: true }));

/** One way to run a model, and the bars that it must meet. */
interface Setup {
  readonly backend: 'reference' | 'cpu';
  readonly dense: NonNullable<LoadOptions['dense']>;
  readonly kvBits?: NonNullable<LoadOptions['kvBits']>;
  readonly bars: keyof Bars;
}
const exact: Setup = { backend: 'reference', dense: 'keep', bars: 'exact' };
const setups: readonly Setup[] = [
  exact,
  { backend: 'cpu', dense: 'keep', bars: 'int8_activations' },
  { backend: 'cpu', dense: 'q8', bars: 'int8_all' },
  { backend: 'cpu', dense: 'q8', kvBits: 8, bars: 'int8_all' },
];

for (const setup of setups) {
  const skip = setup.backend === 'cpu' && skipCpu;
  const who = `${setup.backend} with dense weights ${setup.dense === 'q8' ? 'at 8 bits' : 'as they are'}${setup.kvBits === 8 ? ', KV at 8 bits,' : ''}`;
  for (const name of cases) {
    test(`${who} gives the logits of ${name} within its bars`, { skip }, async () => {
      const { directory, sequences } = goldenCase(name);
      await withModel(directory, setup, async (model) => {
        for (const sequence of sequences) await compare(model, name, sequence, setup, 512);
      });
    });
  }
}

for (const chunk of [1, 7, 64]) {
  test(`reference gives the logits of micro and small in steps of ${chunk} within the exact bars`, async () => {
    for (const name of ['micro', 'small']) {
      const { directory, sequences } = goldenCase(name);
      const few = sequences.filter(({ tokens }) => tokens.length <= 300);
      await withModel(directory, exact, async (model) => {
        for (const sequence of few) await compare(model, name, sequence, exact, chunk);
      });
    }
  });
}

test('reference continues the prompts of micro and small as the original does, past any end', async () => {
  for (const name of ['micro', 'small']) {
    const { directory, greedy } = goldenCase(name);
    assert.ok(greedy);
    const { prompt, continuation } = greedy;
    await withModel(directory, exact, async (model) => {
      assert.deepEqual(await continueGreedily(model, prompt, continuation.length), continuation);
    });
  }
});

test('reference computes every inner activation of micro within 1e-3, and asks the same experts', async () => {
  const { directory, sequences } = goldenCase('micro');
  const expected = readNumbers(`${directory}/activations.safetensors`);
  await withModel(directory, exact, async (model) => {
    const cache = new KvCache(model);
    const ids = sequences[0]!.tokens.slice(0, expected.get('embedding')!.shape[0]);
    const { observed } = await runStep(model, cache, [{ sequence: cache.open(), ids, logits: 'none' }], {
      observe: () => true,
    });
    assert.deepEqual([...observed.keys()].sort(), [...expected.keys()].sort());
    for (const [name, { values }] of expected) {
      const found = observed.get(name)!.values;
      assert.equal(found.length, values.length, name);
      const bar = name.endsWith('expert_indices') ? 0 : 1e-3;
      values.forEach((value, i) => {
        assert.ok(Math.abs(value - found[i]!) <= bar, `${name}[${i}] is ${found[i]}, expected ${value}`);
      });
    }
  });
});

test('routing tells the experts and weights of every layer, whatever the chunks', async () => {
  const { directory, sequences } = goldenCase('micro');
  const expected = readNumbers(`${directory}/activations.safetensors`);
  const tokens = sequences[0]!.tokens.slice(0, 40);
  await withModel(directory, exact, async (model) => {
    const layers = await routing(model, tokens, { chunk: 17 });
    layers.forEach(({ experts, weights }, layer) => {
      assert.deepEqual([...experts], [...expected.get(`layers.${layer}.expert_indices`)!.values]);
      const expectedWeights = expected.get(`layers.${layer}.expert_weights`)!.values;
      weights.forEach((weight, i) => {
        assert.ok(Math.abs(weight - expectedWeights[i]!) < 1e-4);
      });
    });
  });
});

test('every dialect of GGUF gives the bits of the Hugging Face directory on reference', async () => {
  const { directory, sequences } = goldenCase('micro');
  const tokens = sequences[0]!.tokens.slice(0, 50);
  const expected = await withModel(directory, exact, (model) => allLogits(model, tokens));
  for (const dialect of ['llama.cpp', 'llama.cpp-fused', 'ollama', 'ollama-early'] as const) {
    for (const dense of ['bf16', 'f32'] as const) {
      const path = join(scratch, `micro-${dialect}-${dense}.gguf`);
      await convertToGguf(directory, path, { dialect, dense });
      const found = await withModel(path, exact, (model) => allLogits(model, tokens));
      assert.ok(Buffer.compare(bytesOf(found), bytesOf(expected)) === 0, `${dialect} ${dense} differs`);
    }
  }
});

test("OpenAI's original layout gives the bits of the Hugging Face directory on reference", async () => {
  const { directory, sequences } = goldenCase('micro');
  const tokens = sequences[0]!.tokens.slice(0, 50);
  const expected = await withModel(directory, exact, (model) => allLogits(model, tokens));
  const found = await withModel(goldenDirectory('original-layout'), exact, (model) => allLogits(model, tokens));
  assert.ok(Buffer.compare(bytesOf(found), bytesOf(expected)) === 0);
});

test('a GGUF file with Q8_0 dense weights stays within the 8-bit bars on reference', async () => {
  for (const name of ['micro', 'small']) {
    const { directory, sequences } = goldenCase(name);
    const path = join(scratch, `${name}-q8_0.gguf`);
    await convertToGguf(directory, path, { dialect: 'llama.cpp', dense: 'q8_0' });
    await withModel(path, exact, async (model) => {
      const short = sequences.filter(({ tokens }) => tokens.length <= 300);
      for (const sequence of short) await compare(model, name, sequence, { ...exact, bars: 'int8_all' }, 512);
    });
  }
});

for (const dialect of ['llama.cpp', 'llama.cpp-fused', 'ollama', 'ollama-early'] as const) {
  test(`cpu gives the logits of small from a GGUF file of ${dialect} within its bars`, { skip: skipCpu }, async () => {
    const { directory, sequences } = goldenCase('small');
    for (const [dense, bars] of [
      ['bf16', 'int8_activations'],
      ['q8_0', 'int8_all'],
    ] as const) {
      const path = join(scratch, `small-${dialect}-${dense}.gguf`);
      await convertToGguf(directory, path, { dialect, dense });
      const setup: Setup = { backend: 'cpu', dense: 'keep', bars };
      await withModel(path, setup, async (model) => {
        for (const sequence of sequences) await compare(model, 'small', sequence, setup, 512);
      });
    }
  });
}

/** Conversations with the embedded model: greedy completions, token for token. */
interface NanoChecks {
  readonly cases: readonly { readonly id: string; readonly prompt_ids: number[]; readonly completion_ids: number[] }[];
}
const nano = goldenDirectory('../../models/ossia-nano');
const nanoChecks = JSON.parse(readFileSync(goldenDirectory('ossia-nano-checks.json'), 'utf8')) as NanoChecks;

test('reference prefers every token of the completions of ossia-nano, given those before it', async () => {
  await withModel(nano, exact, async (model) => {
    for (const { id, prompt_ids: prompt, completion_ids: completion } of nanoChecks.cases) {
      // The best token after each prefix is what greedy decoding takes, so one pass says the same as a pass per token.
      const ids = [...prompt, ...completion.slice(0, -1)];
      const best: number[] = [];
      const onRow = (_: number, row: Float32Array) => best.push(argmax(row));
      await evaluate(model, ids, { chunk: 512, positions: completion.map((_, i) => prompt.length - 1 + i), onRow });
      assert.deepEqual(best, completion, id);
    }
  });
});

for (const dense of ['keep', 'q8'] as const) {
  test(`cpu decodes ossia-nano greedily, token for token (dense: ${dense})`, { skip: skipCpu }, async () => {
    await withModel(nano, { backend: 'cpu', dense, bars: 'int8_all' }, async (model) => {
      for (const { id, prompt_ids: prompt, completion_ids: completion } of nanoChecks.cases) {
        assert.deepEqual(await continueGreedily(model, prompt, completion.length), completion, id);
      }
    });
  });
}

async function withModel<T>(path: string, setup: Setup, use: (model: Model) => Promise<T>): Promise<T> {
  return await withBackend(setup.backend, async (backend) => {
    const checkpoint = await openCheckpoint(path);
    try {
      return await use(loadModel(checkpoint, backend, { dense: setup.dense, kvBits: setup.kvBits ?? 16 }));
    } finally {
      checkpoint.close();
    }
  });
}

async function compare(
  model: Model,
  name: string,
  sequence: GoldenSequence,
  setup: Setup,
  chunk: number,
): Promise<void> {
  const expected = readNumbers(`${goldenDirectory(name)}/logits.safetensors`).get(sequence.logits)!;
  const comparison = new Comparison(expected.values as Float32Array, model.config.vocabSize);
  const { tokens, positions } = sequence;
  const onRow = (index: number, logits: Float32Array) => comparison.add(index, logits);
  await evaluate(model, tokens, { chunk, onRow, ...(positions === 'all' ? {} : { positions }) });
  if (setup.bars === 'exact') comparison.assertExact(sequence.tolerance.exact);
  else comparison.assertQuantised(sequence.tolerance[setup.bars]);
}

async function allLogits(model: Model, ids: readonly number[]): Promise<Float32Array> {
  const cache = new KvCache(model);
  const { logits } = await runStep(model, cache, [{ sequence: cache.open(), ids, logits: 'all' }]);
  cache.dispose();
  return logits[0]!;
}

async function continueGreedily(model: Model, prompt: readonly number[], count: number): Promise<number[]> {
  const cache = new KvCache(model);
  const sequence = cache.open();
  const out: number[] = [];
  for (let ids = [...prompt]; out.length < count; ids = [out.at(-1)!]) {
    const { logits } = await runStep(model, cache, [{ sequence, ids, logits: 'last' }]);
    out.push(argmax(logits[0]!));
  }
  cache.dispose();
  return out;
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
