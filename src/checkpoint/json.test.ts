import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OssiaError } from '../base/index.ts';
import { parseJsonObject } from './json.ts';

function parse(text: string | Uint8Array): unknown {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return parseJsonObject(bytes, 'config.json', 'checkpoint/bad-config');
}

function refuses(text: string | Uint8Array, found: RegExp): void {
  assert.throws(
    () => parse(text),
    (error) => {
      assert.ok(error instanceof OssiaError);
      assert.equal(error.code, 'checkpoint/bad-config');
      assert.match(error.message, /^Cannot read config\.json: /);
      assert.match(error.message, found);
      return true;
    },
  );
}

test('an ordinary configuration is read as it is', () => {
  const value = { a: [1, 2.5, { b: null }], 'c"\\': 'x: {"y"', d: {}, e: true };
  assert.deepEqual(parse(JSON.stringify(value, null, 2)), value);
});

test('the same key in two objects is no repetition, in one object it is', () => {
  assert.deepEqual(parse('{"a":{"x":1},"b":{"x":2}}'), { a: { x: 1 }, b: { x: 2 } });
  refuses('{"a":1,"b":[{"x":1}],"a" : 2}', /the key "a" occurs twice/);
  refuses('{"b":{"x":1,"x":1}}', /the key "x" occurs twice/);
});

test('a key spelt with an escape is the same key', () => {
  refuses('{"a":1,"\\u0061":2}', /the key "a" occurs twice/);
});

test('strings that look like keys or brackets are only strings', () => {
  assert.deepEqual(parse('{"a":["a","a","[[[{{{","\\"a\\":"]}'), { a: ['a', 'a', '[[[{{{', '"a":'] });
});

test('the key __proto__ stays a key and changes no prototype', () => {
  const value = parse('{"__proto__":{"polluted":1}}') as Record<string, unknown>;
  assert.deepEqual(Object.keys(value), ['__proto__']);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
});

test('a hundred thousand brackets, or millions of values, are refused before they become objects', () => {
  const refusesSize = (text: string, message: RegExp): void =>
    assert.throws(() => parse(text), { code: 'checkpoint/too-large', message });
  refusesSize('['.repeat(100_000), /nests deeper than 32/);
  refusesSize(`{"a":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`, /nests deeper than 32/);
  refusesSize(`{"a":[${'{},'.repeat(2_000_000)}0]}`, /holds more than 2097152 values/);
  assert.deepEqual(parse(`{"a":"${'[,'.repeat(2_100_000)}"}`), { a: '[,'.repeat(2_100_000) });
});

test('what is no JSON object is refused with what it is', () => {
  refuses('[1,2]', /expected a JSON object, found \[1,2\]/);
  refuses('null', /found null/);
  refuses('"text"', /found "text"/);
  refuses('', /not valid JSON/);
  refuses('{"a":1', /not valid JSON/);
  refuses('{"a":"', /not valid JSON/);
  refuses('{"a":NaN}', /not valid JSON/);
  refuses('{"a":1}}', /not valid JSON/);
  refuses('\ufeff{"a":1}', /not valid JSON/);
  refuses(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), /not valid UTF-8/);
});
