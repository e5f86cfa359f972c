import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Merger, SHORT } from './merge.ts';
import { o200kHarmony, readPacked } from './o200k.ts';
import { unpackVocabulary } from './packed.ts';
import { Vocabulary } from './vocabulary.ts';

const o200k = unpackVocabulary(readPacked(new URL('./data/o200k_base.bin', import.meta.url)));

const tokensOf = (merge: (out: number[]) => void): number[] => {
  const out: number[] = [];
  merge(out);
  return out;
};

/** The bytes 0 to 255, then the words, lowest rank first. */
function vocabularyOf(...words: string[]): Vocabulary {
  const tokens = [
    ...Array.from({ length: 256 }, (_, byte) => Buffer.from([byte])),
    ...words.map((word) => Buffer.from(word)),
  ];
  const offsets = new Uint32Array(tokens.length + 1);
  tokens.forEach((token, id) => {
    offsets[id + 1] = offsets[id]! + token.length;
  });
  return new Vocabulary(Buffer.concat(tokens), offsets);
}

test('the lowest rank merges first, and the leftmost pair where several have it', () => {
  const text = Buffer.from('aaabcaa');
  for (const [words, expected] of [
    [
      ['aa', 'bc', 'ab'],
      ['aa', 'a', 'bc', 'aa'],
    ],
    [
      ['ab', 'aa', 'bc'],
      ['aa', 'ab', 'c', 'aa'],
    ],
    [
      ['bc', 'abc', 'aa', 'aabc'],
      ['aa', 'abc', 'aa'],
    ],
  ] as const) {
    const vocabulary = vocabularyOf(...words);
    const merger = new Merger(vocabulary);
    const short = tokensOf((out) => merger.mergeShort(text, 0, text.length, out));
    const long = tokensOf((out) => merger.mergeLong(text, 0, text.length, out));
    assert.deepEqual(
      short.map((id) => Buffer.from(vocabulary.bytesOf(id)).toString()),
      expected,
    );
    assert.deepEqual(long, short);
  }
});

test('the heap for long pieces merges as looking through all pairs does', () => {
  const merger = new Merger(o200k);
  const piece = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: SHORT }),
    fc
      .string({ unit: fc.constantFrom('a', 'b', 'ab', 'e', 'th', 'in', ' ', '中'), minLength: 1, maxLength: 16 })
      .map(Buffer.from),
  );
  fc.assert(
    fc.property(piece, fc.nat(3), (bytes, skipped) => {
      const start = Math.min(skipped, bytes.length - 1);
      const short = tokensOf((out) => merger.mergeShort(bytes, start, bytes.length, out));
      const long = tokensOf((out) => merger.mergeLong(bytes, start, bytes.length, out));
      assert.deepEqual(long, short);
    }),
    { numRuns: 3000 },
  );
});

const runs: [what: string, unit: string][] = [
  ['one letter', 'a'],
  ['one capital', 'A'],
  ['capitals and small letters in turn', 'aA'],
  ['spaces', ' '],
  ['digits', '7'],
  ['line breaks', '\n'],
  ['line breaks and spaces in turn', ' \n'],
  ['punctuation', '!'],
  ['slashes', '/'],
  ['one Chinese character', '中'],
  ['marks', '\u0301'],
  ['marks before capitals', '\u0301A'],
  ['lone surrogates', '\ud800'],
];
for (const [what, unit] of runs) {
  test(`a megabyte of ${what} takes about a second, not its square`, () => {
    const tokenizer = o200kHarmony();
    const text = unit.repeat(Math.floor(2 ** 20 / Buffer.byteLength(unit)));
    const start = performance.now();
    const ids = tokenizer.encode(text);
    const seconds = (performance.now() - start) / 1000;
    assert.ok(seconds < 10, `${seconds} seconds`); // 0.3 on one core of 2026; a square would be minutes
    assert.equal(tokenizer.decode(ids), text.toWellFormed());
  });
}
