import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { continuation, type Match, NgramIndex } from './ngrams.ts';

/** The longest match, the newest among equals, looked for at every place. */
function search(ids: readonly number[]): Match | undefined {
  let best: Match | undefined;
  for (let position = ids.length - 1; position >= 2; position--) {
    let length = 0;
    while (length < 32 && length < position && ids[position - 1 - length] === ids[ids.length - 1 - length]) length++;
    if (length >= 2 && length > (best?.length ?? 0)) best = { position, length };
  }
  return best;
}

test('what is found is the longest earlier match of the end, while the text grows', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 60 }), fc.array(fc.integer({ min: 1, max: 7 })), (ids, steps) => {
      const index = new NgramIndex();
      for (let [length, i] = [0, 0]; length <= ids.length; length += steps[i++ % steps.length] ?? 1) {
        const text = ids.slice(0, length);
        assert.deepEqual(index.find(text), search(text));
      }
    }),
  );
});

test('ids far beyond 16 bits are told apart', () => {
  const index = new NgramIndex();
  const [a, b, c] = [201_087, 200_006, 65_536];
  assert.deepEqual(index.find([a, b, 1, c, b, 2, a, b]), { position: 2, length: 2 });
});

test('a continuation goes on with itself where the text ends', () => {
  assert.deepEqual(continuation([1, 2, 3, 4, 1, 2], { position: 2, length: 2 }, 3), [3, 4, 1]);
  assert.deepEqual(continuation([5, 6, 7, 6, 7], { position: 3, length: 2 }, 5), [6, 7, 6, 7, 6]);
});
