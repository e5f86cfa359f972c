import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteLevelVocabulary } from './byte-level.ts';
import { Merger } from './merge.ts';

/** GPT-2's table as its definition lists it: `!` to `~`, `¡` to `¬`, `®` to `ÿ`, then the other bytes from U+0100 on. */
const others = [...Array(33).keys(), ...Array.from({ length: 34 }, (_, i) => 127 + i), 173];
const bytes = Array.from({ length: 256 }, (_, byte) =>
  String.fromCharCode(others.includes(byte) ? 256 + others.indexOf(byte) : byte),
);

function merged(text: string, words: string[], merges: unknown[]): string[] {
  const vocabulary = byteLevelVocabulary([...bytes, ...words], merges);
  const ids: number[] = [];
  new Merger(vocabulary).merge(Buffer.from(text), 0, Buffer.byteLength(text), ids);
  return ids.map((id) => Buffer.from(vocabulary.bytesOf(id)).toString());
}

test('each character of byte-level text stands for one byte', () => {
  const vocabulary = byteLevelVocabulary([...bytes, 'Ġthe', 'ä¸Ń', 'ĊĊ'], []);
  const found = Array.from({ length: 256 }, (_, byte) => vocabulary.find(Uint8Array.of(byte), 0, 1));
  assert.deepEqual(found, [...Array(256).keys()]);
  assert.equal(vocabulary.find(Buffer.from(' the'), 0, 4), 256);
  assert.equal(vocabulary.find(Buffer.from('中'), 0, 3), 257);
  assert.equal(vocabulary.find(Buffer.from('\n\n'), 0, 2), 258);
});

test('merges go by their place in the list, not by the ids', () => {
  assert.deepEqual(merged('abc', ['ab', 'bc'], ['a b', 'b c']), ['ab', 'c']);
  assert.deepEqual(merged('abc', ['ab', 'bc'], ['b c', 'a b']), ['a', 'bc']);
  assert.deepEqual(merged('abc', ['ab', 'bc'], [['b', 'c']]), ['a', 'bc']);
});

test('a token that several merges make has the place of the first', () => {
  const words = ['ab', 'abc', 'cd', 'bc'];
  assert.deepEqual(merged('abcd', words, ['a b', 'ab c', 'c d', 'b c', 'a bc']), ['abc', 'd']);
});

test('a token that no merge makes does not come up', () => {
  assert.deepEqual(merged('abc', ['ab', 'abc'], ['a b']), ['ab', 'c']);
});

for (const word of ['', 'in 中', 'in ', 'inń', '\ud800']) {
  test(`the token ${JSON.stringify(word)} is refused as no bytes`, () => {
    assert.throws(() => byteLevelVocabulary([...bytes, word], []), { message: /Token 256 is not written as bytes/ });
  });
}

test('more tokens or merges than any model has are refused before they are read', () => {
  assert.throws(() => byteLevelVocabulary(new Array(2 ** 20 + 1), []), { message: /at most 1048576 tokens/ });
  assert.throws(() => byteLevelVocabulary(bytes, new Array(2 ** 21 + 1)), { message: /at most 2097152 merges/ });
});
