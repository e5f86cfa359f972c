import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openCheckpoint } from '../../checkpoint/index.ts';
import { readConfig } from '../../model/index.ts';
import { bytesPerToken, fileBytesPerToken, kvBytes, published, weightBytes } from './sizing.ts';

const { 'gpt-oss-20b': small, 'gpt-oss-120b': large } = published;

test('weights in bf16 are the bytes that the published files hold', () => {
  assert.equal(weightBytes(small, 'bf16'), 13_761_264_768);
  assert.equal(weightBytes(large, 'bf16'), 65_248_815_744);
});

test('a decoded token reads its four experts, attention, routers and the unembedding', () => {
  assert.equal(bytesPerToken(small, 'bf16'), 3_708_089_088);
  assert.equal(bytesPerToken(large, 'bf16'), 5_002_907_904);
});

test('8-bit dense weights take 36 bytes per 32 of them and leave the experts as they are', () => {
  const dense = 24 * (4096 + 2 * 512 + 4096) * 2880 + 201_088 * 2880; // attention and unembedding of 20b
  assert.equal(bytesPerToken(small, 'bf16') - bytesPerToken(small, 'q8'), dense * 0.875);
  assert.equal(weightBytes(small, 'bf16') - weightBytes(small, 'q8'), dense * 0.875);
});

test('sliding layers keep their window and full layers everything', () => {
  assert.equal(kvBytes(small, 131_072, 2), 3_224_371_200);
  assert.equal(kvBytes(large, 131_072, 2), 4_836_556_800);
  assert.equal(kvBytes(small, 100, 2), 49_152 * 100); // shorter than the window: every layer keeps all
});

for (const name of ['models/ossia-nano', 'test/golden/small', 'test/golden/original-layout']) {
  test(`what a token reads of ${name} is the same by its tensors as by its dimensions`, async () => {
    const checkpoint = await openCheckpoint(fileURLToPath(new URL(`../../../${name}`, import.meta.url)));
    const config = readConfig(checkpoint);
    assert.equal(fileBytesPerToken(config, checkpoint.tensors.values()), bytesPerToken(config, 'bf16'));
    checkpoint.close();
  });
}
