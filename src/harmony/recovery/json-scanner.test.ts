import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isJson, scanJson } from './json-scanner.ts';

const container = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()));

test('every beginning of an object or list is open, and the whole is complete where it ends', () => {
  fc.assert(
    fc.property(container, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const json = JSON.stringify(value, undefined, indent);
      for (let end = 0; end < json.length; end++) assert.equal(scanJson(json.slice(0, end)).state, 'open');
      const scanner = scanJson(`${json} {]`);
      assert.equal(scanner.state, 'complete');
      assert.equal(scanner.length, json.length);
    }),
    { numRuns: 300, seed: 6 },
  );
});

test('a damaged object is complete only if JSON.parse reads it', () => {
  const piece = fc.constantFrom(
    '',
    ',',
    '"',
    '{',
    '}',
    ']',
    '0',
    '.',
    'e',
    '-',
    '+',
    '\\',
    '\\u00',
    '\n',
    'tru',
    'null',
    ':',
  );
  fc.assert(
    fc.property(container, fc.nat(), fc.nat({ max: 3 }), piece, (value, at, removed, inserted) => {
      const json = JSON.stringify(value);
      const cut = at % (json.length + 1);
      const text = json.slice(0, cut) + inserted + json.slice(cut + removed);
      const { state, length } = scanJson(text);
      if (state === 'complete') assert.ok(isJson(text.slice(0, length)), text);
      else if (/^[{[]/.test(text)) assert.ok(!isJson(text), text);
    }),
    { numRuns: 10_000, seed: 7 },
  );
});

test('numbers and escapes are read to the letter', () => {
  for (const [text, state] of [
    ['[1.5e-7,-0,0.0]', 'complete'],
    ['[01', 'invalid'],
    ['[1.]', 'invalid'],
    ['[-]', 'invalid'],
    ['[1e', 'open'],
    ['[1e]', 'invalid'],
    ['["\\u00e9\\n"]', 'complete'],
    ['["\\u00g', 'invalid'],
    ['["\\x', 'invalid'],
    ['[truth', 'invalid'],
    ['[tru', 'open'],
    ['"text"', 'invalid'],
  ] as const) {
    assert.equal(scanJson(text).state, state, text);
  }
});
