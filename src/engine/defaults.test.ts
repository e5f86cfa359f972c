import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generationDefaults } from './defaults.ts';

const about = (generation: Record<string, unknown>, metadata: Record<string, unknown> = {}, vocabSize = 3072) =>
  generationDefaults({ path: 'model', generation, metadata }, vocabSize);

test('do_sample false is temperature 0, and null means not set', () => {
  assert.deepEqual(about({ do_sample: false, temperature: 0.7, eos_token_id: 5 }), { temperature: 0, stopIds: [5] });
  assert.deepEqual(about({ do_sample: true, temperature: 0.7, top_p: null, top_k: 50, eos_token_id: [5, 6] }), {
    temperature: 0.7,
    topK: 50,
    stopIds: [5, 6],
  });
});

test('end ids come from wherever the file holds them', () => {
  assert.deepEqual(about({}, { eos_token_id: 9 }).stopIds, [9]);
  assert.deepEqual(about({}, { 'tokenizer.ggml.eos_token_id': 8 }).stopIds, [8]);
  assert.deepEqual(
    about({}, { 'tokenizer.ggml.eos_token_id': 8, 'tokenizer.ggml.eos_token_ids': Int32Array.of(8, 4) }).stopIds,
    [8, 4],
  );
  assert.deepEqual(about({}).stopIds, []);
});

test('a gpt-oss vocabulary ends with all three of its end ids, whatever the file names', () => {
  assert.deepEqual(about({}, {}, 201_088).stopIds, [200_002, 199_999, 200_012]);
  assert.deepEqual(about({ eos_token_id: 200_012 }, {}, 201_088).stopIds, [200_012, 200_002, 199_999]);
});

test('settings out of range are checkpoint/bad-config', () => {
  for (const generation of [{ temperature: 'hot' }, { top_p: 3 }, { eos_token_id: 3072 }, { eos_token_id: ['x'] }]) {
    assert.throws(() => about(generation), { code: 'checkpoint/bad-config' });
  }
});
