import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { o200kHarmony } from './o200k.ts';

const tokenizer = o200kHarmony();

function streamed(ids: readonly number[]): string[] {
  const decoder = tokenizer.stream();
  return [...ids.map((id) => decoder.push(id)), decoder.flush()];
}

/** Tokens that are one byte, so that characters break everywhere; ordinary and control tokens between them. */
const singleByte = Array.from({ length: 199_998 }, (_, id) => id).filter((id) => tokenizer.tokenBytes(id).length === 1);
const anyToken = fc.oneof(fc.constantFrom(...singleByte), fc.nat(199_997), fc.constantFrom(200_006, 200_007, 200_500));

test('what a stream gives, joined, is the lossy decoding of all bytes', () => {
  fc.assert(
    fc.property(fc.array(anyToken, { maxLength: 37 }), (ids) => {
      const bytes = Buffer.concat(ids.map((id) => tokenizer.tokenBytes(id)));
      const lossy = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
      assert.equal(streamed(ids).join(''), lossy);
      assert.equal(tokenizer.decode(ids), lossy);
    }),
    { numRuns: 5000 },
  );
});

test('a stream never gives half a character, and each character with the token that completes it', () => {
  const idOfByte = new Map(singleByte.map((id) => [tokenizer.tokenBytes(id)[0]!, id]));
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 23 }), (text) => {
      const deltas = [...Buffer.from(text)].map((byte) => idOfByte.get(byte)!);
      const given = streamed(deltas).filter((delta) => delta !== '');
      assert.deepEqual(given, [...text]);
    }),
    { numRuns: 3000 },
  );
});

test('a character that never ends is one U+FFFD at the end, or before the control token that cuts it', () => {
  const [first, second] = [0xf0, 0x9f].map((byte) => singleByte.find((id) => tokenizer.tokenBytes(id)[0] === byte)!);
  assert.deepEqual(streamed([first!, second!]), ['', '', '\ufffd']);
  assert.deepEqual(streamed([first!, second!, 200_007]), ['', '', '\ufffd<|end|>', '']);
});

test('a byte order mark is kept wherever it stands', () => {
  const ids = tokenizer.encode('\ufeffa\ufeff');
  assert.equal(tokenizer.decode(ids), '\ufeffa\ufeff');
  assert.equal(streamed(ids).join(''), '\ufeffa\ufeff');
});

test('streams do not share what they hold back', () => {
  const [first] = tokenizer.encode('\u{1F9F6}');
  const one = tokenizer.stream();
  one.push(first!);
  assert.equal(tokenizer.stream().push(13225), 'Hello');
});
