import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ggufSize, writeSyntheticGguf } from '../bench/synthetic/gguf.ts';
import { huggingFaceSize, writeSyntheticHuggingFace } from '../bench/synthetic/huggingface.ts';
import { gptOss, presets } from '../bench/synthetic/presets.ts';
import { harmonyVocabulary } from '../bench/synthetic/vocabulary.ts';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { generationDefaults } from '../src/engine/defaults.ts';
import { evaluate, loadModel, readConfig } from '../src/model/index.ts';
import { o200kHarmony, tokenizerFromGguf } from '../src/tokenizer/index.ts';
import { withBackend } from './support/backends.ts';

const config = gptOss(
  {
    numLayers: 3,
    hiddenSize: 96,
    intermediateSize: 160,
    numExperts: 5,
    numAttentionHeads: 6,
    numKeyValueHeads: 2,
    headDim: 32,
  },
  211,
);
/** Nothing here looks at text. */
const vocabulary = { tokens: Array.from({ length: 211 }, (_, id) => `t${id}`), types: Array(211).fill(1), merges: [] };

let scratch = '';
before(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ossia-synthetic-'));
  writeSyntheticGguf(join(scratch, 'model.gguf'), config, 7, vocabulary);
  writeSyntheticHuggingFace(join(scratch, 'model'), config, 7, vocabulary);
});
after(() => rmSync(scratch, { recursive: true }));

async function logitsOf(path: string): Promise<{ bits: Uint32Array; values: Float32Array }> {
  const checkpoint = await openCheckpoint(path);
  try {
    const values: number[] = [];
    await withBackend('reference', (backend) =>
      evaluate(loadModel(checkpoint, backend), [3, 141, 59, 26, 5, 210, 0], {
        onRow: (_, row) => {
          for (const value of row) values.push(value);
        },
      }),
    );
    const logits = Float32Array.from(values);
    return { bits: new Uint32Array(logits.buffer), values: logits };
  } finally {
    checkpoint.close();
  }
}

test('a synthetic model has the same logits to the bit from GGUF and from Hugging Face files', async () => {
  const gguf = await logitsOf(join(scratch, 'model.gguf'));
  const huggingFace = await logitsOf(join(scratch, 'model'));
  assert.equal(gguf.bits.length, 7 * 211);
  assert.deepEqual(gguf.bits, huggingFace.bits);
  const spread = Math.sqrt(gguf.values.reduce((sum, value) => sum + value * value, 0) / gguf.values.length);
  assert.ok(spread > 0.1 && spread < 20, `logits of spread ${spread}`);
});

test('both files of a synthetic model say which configuration they were made of', async () => {
  for (const name of ['model.gguf', 'model']) {
    const checkpoint = await openCheckpoint(join(scratch, name), { map: false });
    assert.deepEqual(readConfig(checkpoint), { ...config, rmsNormEpsilon: Math.fround(1e-5) });
    assert.doesNotThrow(() => generationDefaults(checkpoint, config.vocabSize)); // no stop ids beyond a small vocabulary
    checkpoint.close();
  }
});

test('the same seed makes the same file, also when it was interrupted, and another seed another', () => {
  const path = join(scratch, 'again.gguf');
  const whole = readFileSync(join(scratch, 'model.gguf'));
  for (const length of [100, whole.length - 40_001, whole.length - 3]) {
    writeSyntheticGguf(path, config, 7, vocabulary);
    renameSync(path, `${path}.partial`);
    truncateSync(`${path}.partial`, length);
    writeSyntheticGguf(path, config, 7, vocabulary);
    assert.ok(!existsSync(`${path}.partial`));
    assert.ok(readFileSync(path).equals(whole), `interrupted after ${length} bytes`);
    rmSync(path);
  }
  writeSyntheticGguf(path, config, 8, vocabulary);
  assert.ok(!readFileSync(path).equals(whole));
});

test('the 20b preset has the size of gpt-oss-20b', () => {
  assert.equal(huggingFaceSize(presets['20b']), 13_761_264_768); // the sum of OpenAI's safetensors
  assert.ok(Math.abs(ggufSize(presets['20b']) - 12.1e9) < 0.05e9);
});

test('the vocabulary of synthetic models is o200k_harmony', () => {
  const { tokens, types, merges } = harmonyVocabulary(201_088);
  assert.equal(merges.length, 446_189); // as in OpenAI's tokenizer.json, in its order:
  const there = merges.filter((merge) => merge.replace(' ', '') === 'Ġthere');
  assert.deepEqual(there, ['Ġ there', 'Ġt here', 'Ġthe re', 'Ġth ere', 'Ġther e']);
  const read = tokenizerFromGguf({ tokens, tokenTypes: types, merges, pre: 'gpt-4o' });
  const text = 'Hello, wörld: 12345 <|end|> naïve 東京';
  assert.deepEqual(read.encode(text), o200kHarmony().encode(text));
  assert.deepEqual(read.encodeWithSpecials(text), o200kHarmony().encodeWithSpecials(text));
});
