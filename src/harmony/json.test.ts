import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OssiaError } from '../base/index.ts';
import { parseJson, stringifyJson, toPlainJson } from './json.ts';

test('numbers print as the official library prints them', () => {
  const texts: Record<string, string> = {
    '1': '1',
    '1.0': '1.0',
    '1E5': '100000.0',
    '1e15': '1000000000000000.0',
    '1e16': '1e16',
    '123456789012345680.0': '1.2345678901234568e17',
    '6.02e23': '6.02e23',
    '-0.0': '-0.0',
    '-0': '-0.0',
    '0.00001': '0.00001',
    '0.000001': '1e-6',
    '1.5e-7': '1.5e-7',
    '0.1': '0.1',
    '-12.5': '-12.5',
    '9007199254740993': '9007199254740993',
    '18446744073709551615': '18446744073709551615',
    '18446744073709551616': '1.8446744073709552e19',
    '-9223372036854775808': '-9223372036854775808',
    '-9223372036854775809': '-9.223372036854776e18',
  };
  for (const [text, printed] of Object.entries(texts)) assert.equal(stringifyJson(parseJson(text)), printed, text);
});

test('plain numbers print as integers when they are whole', () => {
  assert.equal(stringifyJson([1, 0.5, 1e16, 1e21, -0, 1e-7]), '[1,0.5,10000000000000000,1e21,-0.0,1e-7]');
});

test('keys keep their order, integer-like ones too, and a repeated key its first place', () => {
  const text = '{"b":1,"2":{"z":null,"1":[]},"a":true,"b":3}';
  assert.equal(stringifyJson(parseJson(text)), '{"b":3,"2":{"z":null,"1":[]},"a":true}');
});

test('reads what JSON.parse reads, and nothing else', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      assert.deepEqual(toPlainJson(parseJson(text)), JSON.parse(text));
    }),
    { numRuns: 300, seed: 1 },
  );
  const mutated = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '{', ']', '0', '\\', '\n', '-', 'e'));
  fc.assert(
    fc.property(mutated, ([json, at, char]) => {
      const cut = at % (json.length + 1);
      const text = json.slice(0, cut) + char + json.slice(cut + 1);
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        assert.throws(
          () => parseJson(text),
          (error) => error instanceof OssiaError && error.code === 'harmony/bad-json',
        );
        return;
      }
      assert.deepEqual(toPlainJson(parseJson(text)), expected);
    }),
    { numRuns: 2000, seed: 2 },
  );
});

test('hostile nesting and an unfinished string are errors that name the offset', () => {
  assert.throws(() => parseJson('['.repeat(100_000)), /at most 256 levels of nesting at offset 256/);
  assert.throws(() => parseJson('{"a":"b'), /expected a string that ends at offset 5/);
});

test('__proto__ is a key like any other', () => {
  assert.equal(stringifyJson(parseJson('{"__proto__":{"a":1}}')), '{"__proto__":{"a":1}}');
  assert.equal(Object.getPrototypeOf(toPlainJson(parseJson('{"__proto__":{"a":1}}'))), Object.prototype);
});
