import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StopStrings } from './stop-strings.ts';

/** Everything that comes out of a list of pieces, and the hit. */
function run(stops: readonly string[], pieces: readonly string[]): { text: string; hit: string | undefined } {
  const matcher = new StopStrings(stops);
  let text = '';
  for (const piece of pieces) {
    const out = matcher.push(piece);
    text += out.text;
    if (out.hit !== undefined) return { text, hit: out.hit };
  }
  return { text: text + matcher.flush(), hit: undefined };
}

test('a stop text is found across pieces, and nothing of it comes out', () => {
  assert.deepEqual(run(['END'], ['one E', 'N', 'D two']), { text: 'one ', hit: 'END' });
  assert.deepEqual(run(['aab'], ['a', 'a', 'a', 'b']), { text: 'a', hit: 'aab' });
});

test('text that only began like a stop text comes out after all', () => {
  assert.deepEqual(run(['END'], ['one E', 'NOUGH']), { text: 'one ENOUGH', hit: undefined });
  assert.deepEqual(run(['END'], ['at the end: EN']), { text: 'at the end: EN', hit: undefined });
});

test('text is held back only while it can still become a stop text', () => {
  const matcher = new StopStrings(['\n\n', 'stop']);
  assert.deepEqual(
    ['one', '\n', 'two st', 'ay', 's'].map((piece) => matcher.push(piece).text),
    ['one', '', '\ntwo ', 'stay', ''],
  );
  assert.equal(matcher.flush(), 's');
});

test('among several stop texts the one that is complete first counts, and of those the longest', () => {
  assert.deepEqual(run(['abc', 'b'], ['xabc']), { text: 'xa', hit: 'b' });
  assert.deepEqual(run(['b', 'ab'], ['xab']), { text: 'x', hit: 'ab' });
});

test('however the text is cut, the outcome is the same', () => {
  const letters = (length: { minLength?: number; maxLength: number }) =>
    fc.string({ unit: fc.constantFrom('a', 'b', 'c'), ...length });
  const stops = fc.array(letters({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(letters({ maxLength: 30 }), stops, fc.array(fc.nat(30), { maxLength: 9 }), (text, list, cuts) => {
      const borders = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
      const pieces = borders.slice(1).map((end, i) => text.slice(borders[i], end));
      const whole = run(list, [text]);
      assert.deepEqual(run(list, pieces), whole);
      assert.equal(whole.hit === undefined, !list.some((stop) => text.includes(stop)));
      assert.ok(text.startsWith(whole.text + (whole.hit ?? '')));
    }),
    { numRuns: 2000 },
  );
});

test('empty stop texts and things that are no text are refused by name', () => {
  for (const wrong of [[''], ['a', 3], [null], [undefined], 7, null]) {
    assert.throws(() => new StopStrings(wrong as string[]), { code: 'engine/bad-parameter', message: /Expected stop/ });
  }
});
