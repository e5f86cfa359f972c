import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packTokens, unpackTokens, unpackVocabulary } from './packed.ts';

const tokens = [
  ...Array.from({ length: 256 }, (_, byte) => Buffer.from([255 - byte])),
  Buffer.alloc(255, 'ab'),
  Buffer.from('中'),
];

test('tokens come back from their packed form', () => {
  const packed = packTokens(tokens);
  const { bytes, offsets } = unpackTokens(packed);
  assert.deepEqual(
    tokens.map((_, id) => Buffer.from(bytes.subarray(offsets[id], offsets[id + 1]))),
    tokens,
  );
  const vocabulary = unpackVocabulary(packed);
  assert.equal(vocabulary.size, 258);
  assert.equal(vocabulary.find(Buffer.from('x中'), 1, 4), 257);
  assert.equal(vocabulary.find(Buffer.from('x中'), 0, 4), -1);
});

test('a packed form that was cut or grown anywhere is refused', () => {
  const packed = packTokens(tokens);
  for (const size of [0, 3, 4, 5, 200, 261, 262, 400, packed.length - 1]) {
    assert.throws(() => unpackVocabulary(packed.subarray(0, size)), { code: 'tokenizer/bad-vocabulary' });
  }
  for (const damaged of [Buffer.concat([packed, Buffer.alloc(1)]), Buffer.alloc(4), Buffer.alloc(700, 0xff)]) {
    assert.throws(() => unpackVocabulary(damaged), { code: 'tokenizer/bad-vocabulary' });
  }
});

test('tokens that a length of one byte cannot tell are not packed', () => {
  assert.throws(() => packTokens([Buffer.alloc(0)]), RangeError);
  assert.throws(() => packTokens([Buffer.alloc(256)]), RangeError);
});
