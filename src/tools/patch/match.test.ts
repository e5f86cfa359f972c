import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findLines, nearestLines } from './match.ts';

test('lines are found where they stand first, and next', () => {
  const line = fc.constantFrom('a', 'b', 'c');
  const few = fc.array(line, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), few, fc.nat(5), (lines, wanted, from) => {
      const places = lines.map((_, at) => at).filter((at) => wanted.every((want, i) => lines[at + i] === want));
      const after = places.filter((at) => at >= from);
      const found = findLines(lines, wanted, from, false);
      assert.deepEqual(found && [found.at, found.another], after.length === 0 ? undefined : [after[0], after[1]]);
    }),
  );
});

// A look at every line of the patch for every line of the file would be ten thousand million.
test('files and patches of lines that are all alike are compared in no time to speak of', () => {
  const lines = Array.from({ length: 500_000 }, () => '}');
  const wanted = [...Array.from({ length: 20_000 }, () => '}'), 'nowhere'];
  assert.equal(findLines(lines, wanted, 0, false), undefined);
  assert.equal(typeof nearestLines(lines, wanted), 'number');
});
