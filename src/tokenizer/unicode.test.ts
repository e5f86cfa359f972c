import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tiktoken } from 'tiktoken';
import { CASELESS, CLASSES, classAt, END, LOWER, MARK, NEWLINE, NUMBER, next, OTHER, SPACE, UPPER } from './unicode.ts';

const everyCharacter = Array.from({ length: 0x110000 }, (_, code) => code).filter(
  (code) => code < 0xd800 || code > 0xdfff,
);

/** What tiktoken's pattern matches of all characters: with one token a byte, the rest leaves no tokens. */
function matched(pattern: string): string {
  const singleBytes = Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]).toString('base64'));
  const encoder = new Tiktoken(`! 0 ${singleBytes.join(' ')}`, {}, pattern);
  const text = everyCharacter.map((code) => String.fromCodePoint(code)).join('');
  const bytes = Uint8Array.from(encoder.encode_ordinary(text));
  encoder.free();
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

const patterns: [string, number[]][] = [
  ['[\\p{Lu}\\p{Lt}]', [UPPER]],
  ['\\p{Ll}', [LOWER]],
  ['[\\p{Lm}\\p{Lo}]', [CASELESS]],
  ['\\p{M}', [MARK]],
  ['\\p{N}', [NUMBER]],
  ['\\s', [SPACE, NEWLINE]],
  ['[\\r\\n]', [NEWLINE]],
  ['[^\\s\\p{L}\\p{N}\\p{M}]', [OTHER]],
];
for (const [pattern, kinds] of patterns) {
  test(`every character that tiktoken matches with ${pattern} has the same class here, and no other`, () => {
    const ours = everyCharacter
      .filter((code) => kinds.includes(CLASSES[code]!))
      .map((code) => String.fromCodePoint(code));
    assert.ok(ours.length > 0);
    assert.ok(ours.join('') === matched(pattern));
  });
}

test('U+0085 is white space and U+FEFF is not, unlike in JavaScript', () => {
  assert.equal(CLASSES[0x85], SPACE);
  assert.equal(CLASSES[0xfeff], OTHER);
});

test('every character is read from its one to four bytes', () => {
  const text = new TextEncoder().encode(everyCharacter.map((code) => String.fromCodePoint(code)).join(''));
  const misread: number[] = [];
  let at = 0;
  for (const code of everyCharacter) {
    if (classAt(text, at) !== CLASSES[code]) misread.push(code);
    at = next(text, at);
  }
  assert.deepEqual(misread, []);
  assert.equal(at, text.length);
  assert.equal(classAt(text, at), END);
});
