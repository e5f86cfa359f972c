import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PieceCache } from './piece-cache.ts';

function recalled(cache: PieceCache, piece: Uint8Array): number[] | undefined {
  const out = [7];
  return cache.recall(Buffer.concat([Buffer.from('xy'), piece, Buffer.from('z')]), 2, 2 + piece.length, out)
    ? out.slice(1)
    : undefined;
}

test('a piece is recalled with the tokens that were stored last for just its bytes, or not at all', () => {
  const piece = fc.uint8Array({ minLength: 1, maxLength: 5, max: 2 });
  const store = fc.tuple(piece, fc.array(fc.nat(), { minLength: 1, maxLength: 18, size: 'max' }));
  fc.assert(
    fc.property(fc.array(store, { maxLength: 31 }), fc.constantFrom(1, 4, 64), (stores, numSlots) => {
      const cache = new PieceCache(numSlots);
      const stored = new Map<string, number[]>();
      for (const [bytes, tokens] of stores) {
        cache.store(bytes, 0, bytes.length, [1, 2, 3, ...tokens], 3);
        if (tokens.length <= 16) stored.set(bytes.join(), tokens);
        const found = recalled(cache, bytes);
        assert.deepEqual(found, tokens.length <= 16 ? tokens : found && stored.get(bytes.join()));
      }
      for (const [bytes] of stores) {
        const found = recalled(cache, bytes);
        if (found !== undefined) assert.deepEqual(found, stored.get(bytes.join()));
      }
    }),
    { numRuns: 2000 },
  );
});

test('pieces too long to keep leave what is there', () => {
  const cache = new PieceCache(1);
  cache.store(Buffer.alloc(48, 'a'), 0, 48, [5], 0);
  cache.store(Buffer.alloc(49, 'a'), 0, 49, [6], 0);
  assert.deepEqual(recalled(cache, Buffer.alloc(48, 'a')), [5]);
  assert.equal(recalled(cache, Buffer.alloc(49, 'a')), undefined);
  assert.equal(recalled(cache, Buffer.alloc(47, 'a')), undefined);
});
