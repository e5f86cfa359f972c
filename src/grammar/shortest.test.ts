import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileSchema, fewestTokens, shortestText, TokenTable } from './index.ts';
import { accepts, samples } from './testing.ts';

test('the shortest text is accepted, as long as the distance says, and no longer than any value', () => {
  fc.assert(
    fc.property(
      samples.chain(({ schema, values }) => fc.tuple(fc.constant(schema), values)),
      ([schema, value]) => {
        const { automaton } = compileSchema(schema);
        const bytes = shortestText(automaton);
        assert.ok(bytes !== undefined && bytes.length === automaton.distance(automaton.start));
        const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        assert.ok(accepts(automaton, text), text);
        assert.ok(bytes.length <= Buffer.byteLength(JSON.stringify(value)), text);
      },
    ),
    { numRuns: 100, seed: 1 },
  );
});

test('a value can be completed from anywhere', () => {
  const { automaton } = compileSchema({ type: 'object', properties: { a: { type: 'string' } }, required: ['a'] });
  let state = automaton.start;
  for (const byte of new TextEncoder().encode('{"a": "x\\u00')) state = automaton.next(state, byte)!;
  assert.equal(new TextDecoder().decode(shortestText(automaton, state)), '00"}');
  const listed = compileSchema({ enum: ['b', 'a', 'c', 'aa'] }).automaton;
  assert.equal(new TextDecoder().decode(shortestText(listed)), '"a"');
});

test('a text too long to spell out has no shortest one', () => {
  assert.equal(shortestText(compileSchema({ type: 'string', minLength: 100_000 }).automaton), undefined);
});

/** A vocabulary of these texts, with their indices as ids. */
const tableOf = (...texts: string[]) =>
  new TokenTable((id) => (texts[id] === undefined ? undefined : new TextEncoder().encode(texts[id])), texts.length);

test('the fewest tokens are not always those that begin the longest', () => {
  const table = tableOf('a', 'b', 'c', 'ab', 'abc', 'cd', 'd', 'bcd');
  const fewest = (text: string) => fewestTokens(table, new TextEncoder().encode(text));
  assert.deepEqual(['', 'a', 'abc', 'abcd', 'abcdd', 'bb'].map(fewest), [0, 1, 1, 2, 3, 2]);
  assert.equal(fewest('ax'), Number.POSITIVE_INFINITY);
  assert.equal(fewestTokens(tableOf('a', 'aab', 'ba'), new TextEncoder().encode('aaba')), 2);
});
