import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeUtf8, utf8Prefix } from './utf8.ts';

/** Decodes with `utf8Prefix` alone: each invalid run is one U+FFFD, what is left at the end another. */
function decodeByPrefixes(bytes: readonly number[]): string {
  const { validBytes, invalidBytes } = utf8Prefix(bytes);
  const valid = decodeUtf8(bytes.slice(0, validBytes));
  const rest = bytes.slice(validBytes + invalidBytes);
  if (validBytes === bytes.length) return valid;
  return invalidBytes === 0 ? `${valid}\ufffd` : `${valid}\ufffd${decodeByPrefixes(rest)}`;
}

test('valid prefixes and invalid runs are those of the WHATWG decoder', () => {
  // Bytes near the borders of the ranges: lead bytes, surrogates, overlong forms, the last plane.
  const edge = fc.constantFrom(
    0x41,
    0x7f,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
    0xbf,
    0xc1,
    0xc2,
    0xe0,
    0xed,
    0xef,
    0xf0,
    0xf4,
    0xf5,
  );
  fc.assert(
    fc.property(fc.array(edge, { maxLength: 9 }), (bytes) => {
      assert.equal(decodeByPrefixes(bytes), decodeUtf8(bytes));
    }),
    { numRuns: 20_000, seed: 5 },
  );
});

test('a byte order mark is a character', () => {
  assert.equal(decodeUtf8([0xef, 0xbb, 0xbf, 0x41]), '\ufeffA');
});
