import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OssiaError } from '../base/index.ts';
import { anyJson, compileSchema } from './index.ts';
import { accepts, stepThrough } from './testing.ts';

/** Texts that a schema takes and texts that it does not. */
const cases: readonly (readonly [title: string, schema: unknown, good: readonly string[], bad: readonly string[]])[] = [
  [
    'properties come in the order of the schema, and optional ones may be left out',
    { type: 'object', properties: { a: { type: 'null' }, b: { type: 'null' }, c: { type: 'null' } }, required: ['b'] },
    ['{"b":null}', '{"a": null, "b":null}', '{"a":null,"b":null,"c":null}'],
    [
      '{"b":null,"a":null}',
      '{"a":null}',
      '{"b":null,"b":null}',
      '{"b":null,"d":1}',
      '{"b" :null}',
      '{"b":  null}',
      '{ "b":null}',
    ],
  ],
  [
    'a name that is declared does not come back among the additional ones, not even in escapes',
    { type: 'object', properties: { a: { type: 'null' }, 'é"': {} }, additionalProperties: { type: 'integer' } },
    ['{"x":1}', '{"a":null,"aa":1,"":2}', '{"\\n":1}', '{"é":1}'],
    ['{"x":1,"a":2}', '{"\\u0061":1}', '{"x":1,"a":null}', '{"x":"1"}'],
  ],
  [
    'a required property that is not declared may be anything',
    { type: 'object', properties: { a: { type: 'null' } }, required: ['z'] },
    ['{"z":[1]}', '{"a":null,"z":{}}'],
    ['{}', '{"a":null}'],
  ],
  [
    'an object without declared properties is open, with empty ones closed',
    { type: 'array', prefixItems: [{ type: 'object' }, { type: 'object', properties: {} }] },
    ['[{"x":1},{}]', '[]', '[{},{},3]'],
    ['[{},{"x":1}]', '[1]'],
  ],
  [
    'strings are valid UTF-8 with whole escapes',
    { type: 'string' },
    ['""', '"é😀\\u00e9\\ud83d\\ude00\\/"', '"\\uD83D\\uDE00"'],
    ['"\\ud83d"', '"\\ude00"', '"\\ud83d\\u0041"', '"\n"', '"\\x"', '"a', "'a'"],
  ],
  [
    'lengths are counted in characters',
    { type: 'string', minLength: 2, maxLength: 3 },
    ['"é😀"', '"\\ud83d\\ude00ab"'],
    ['"a"', '"😀"', '"abcd"', '"\\ud83d\\ude00"'],
  ],
  [
    'integers have no point, exponent or leading zero',
    { type: 'integer' },
    ['0', '-7', '120'],
    ['01', '-', '1.0', '1e3', '+1', ''],
  ],
  [
    'bounds of integers are exact',
    { type: 'integer', exclusiveMinimum: -3, maximum: 115 },
    ['-2', '0', '99', '109', '115'],
    ['-3', '-20', '116', '200', '1150'],
  ],
  [
    'bounds of numbers are exact',
    { type: 'number', exclusiveMinimum: 0, maximum: 2.5 },
    ['0.001', '1', '2.5', '2.50', '2.4999'],
    ['0', '0.0', '-1', '2.51', '3', '2.500001'],
  ],
  [
    'listed values are held to the other keywords',
    { enum: ['ab', 'c', 7, null], type: ['string', 'null'], minLength: 2 },
    ['"ab"', 'null'],
    ['"c"', '7'],
  ],
  [
    'schemas that hold together are one',
    {
      allOf: [{ $ref: '#/$defs/base' }, { properties: { b: { maximum: 5 } }, required: ['b'] }],
      $defs: { base: { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer', minimum: 2 } } } },
    },
    ['{"b":2}', '{"a":1,"b":5}'],
    ['{"a":1}', '{"b":1}', '{"b":6}'],
  ],
  [
    'branches hold beside what is around them',
    {
      type: 'object',
      properties: { a: { type: 'null' }, b: { type: 'null' } },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    ['{"a":null}', '{"b":null}', '{"a":null,"b":null}'],
    ['{}'],
  ],
  [
    'branches are found behind references and in allOf, beside each other',
    {
      allOf: [{ $ref: '#/$defs/ab' }, { anyOf: [{ required: ['x'] }, { required: ['y'] }] }],
      $defs: {
        ab: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] },
        a: { properties: { x: { const: 1 }, y: { $ref: '#' } } },
      },
    },
    ['{"x":1}', '{"y":{"x":1}}', '{"x":1,"y":{"x":1}}'],
    ['{}', '{"y":{}}'],
  ],
  [
    'recursion goes as deep as the text does',
    {
      $ref: '#/$defs/tree',
      $defs: { tree: { type: 'object', properties: { kids: { type: 'array', items: { $ref: '#/$defs/tree' } } } } },
    },
    ['{}', `${'{"kids":['.repeat(300)}{}${']}'.repeat(300)}`],
    ['{"kids":[1]}'],
  ],
  [
    'a branch that nothing finite satisfies is no way to go',
    { anyOf: [{ type: 'null' }, { type: 'array', items: { $ref: '#' }, minItems: 1, maxItems: 0 }] },
    ['null'],
    ['['],
  ],
  ['nullable adds null', { type: 'integer', nullable: true }, ['1', 'null'], ['"a"']],
  [
    'dates know the lengths of months',
    { type: 'string', format: 'date' },
    ['"2024-02-29"', '"2000-02-29"', '"1999-12-31"'],
    ['"2023-02-29"', '"1900-02-29"', '"2024-04-31"'],
  ],
  [
    'times have an offset',
    { type: 'string', format: 'date-time' },
    ['"2024-02-29T23:59:59Z"', '"2024-01-01T00:00:00.5-07:30"'],
    ['"2024-01-01 00:00:00Z"', '"2024-01-01T24:00:00Z"'],
  ],
  [
    'patterns match anywhere unless anchored',
    { type: 'string', pattern: 'b{2}|^z$' },
    ['"abba"', '"z"', '"\\nbb"'],
    ['"zz"', '"bab"'],
  ],
];

for (const [title, schema, good, bad] of cases) {
  test(title, () => {
    const { automaton, notes } = compileSchema(schema, { strict: true });
    assert.deepEqual(notes, []);
    for (const text of good) assert.ok(accepts(automaton, text), text);
    for (const text of bad) assert.ok(!accepts(automaton, text), text);
  });
}

test('an optional property that has no value is not begun', () => {
  const { automaton } = compileSchema({ type: 'object', properties: { a: false, b: { type: 'null' } } });
  assert.equal(stepThrough(automaton, automaton.start, Buffer.from('{"a')), undefined);
  assert.ok(accepts(automaton, '{"b":null}'));
});

test('a schema that is never complete, is malformed, or asks for too much is refused', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `value ${i}`);
  const refused: readonly (readonly [unknown, OssiaError['code']])[] = [
    [{ type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }, 'grammar/bad-schema'],
    [{ $ref: '#', allOf: [false] }, 'grammar/bad-schema'],
    [{ anyOf: [{ $ref: '#' }] }, 'grammar/bad-schema'],
    [false, 'grammar/bad-schema'],
    [null, 'grammar/bad-schema'],
    [{ type: 'strin' }, 'grammar/bad-schema'],
    [{ $ref: '#/$defs/none' }, 'grammar/bad-schema'],
    [{ type: 'string', pattern: '(' }, 'grammar/bad-schema'],
    [{ type: 'array', minItems: -1 }, 'grammar/bad-schema'],
    [{ type: 'integer', minimum: 0.2, maximum: 0.8 }, 'grammar/bad-schema'],
    [{ type: 'array', minItems: 1e9 }, 'grammar/unsupported-schema'],
    [{ enum: many(10_001) }, 'grammar/unsupported-schema'],
    [{ type: 'object', required: many(2_001) }, 'grammar/unsupported-schema'],
    [{ $ref: 'https://example.com/schema' }, 'grammar/unsupported-schema'],
    [
      { allOf: many(20).map((name) => ({ anyOf: [{ type: 'object' }, { required: [name] }] })) },
      'grammar/unsupported-schema',
    ],
  ];
  for (const [schema, code] of refused) assert.throws(() => compileSchema(schema), { code });
});

test('what cannot be held exactly is refused by path and keyword when strict, and noted otherwise', () => {
  const inside: readonly (readonly [string, object])[] = [
    ['not', { type: 'string', not: { const: 'a' } }],
    ['pattern', { type: 'string', pattern: '(a)\\1' }],
    ['pattern', { type: 'string', pattern: '(a|b)*a(a|b){30}$' }],
    ['format', { type: 'string', format: 'email' }],
    ['multipleOf', { type: 'integer', multipleOf: 3 }],
    ['uniqueItems', { type: 'array', uniqueItems: true }],
    ['oneOf', { oneOf: [{ type: 'integer' }, { type: 'number' }] }],
    [
      'patternProperties',
      { type: 'object', patternProperties: { '^a': { type: 'string' } }, additionalProperties: false },
    ],
  ];
  for (const [keyword, schema] of inside) {
    const whole = { type: 'object', properties: { x: schema } };
    const path = '#/properties/x';
    assert.throws(() => compileSchema(whole, { strict: true }), {
      code: 'grammar/unsupported-schema',
      details: { path, keyword },
    });
    assert.deepEqual(
      compileSchema(whole).notes.map((note) => [note.path, note.keyword]),
      [[path, keyword]],
    );
  }
});

test('branches of oneOf that exclude each other are exact', () => {
  const kind = (name: string) => ({ type: 'object', properties: { kind: { const: name } }, required: ['kind'] });
  const { automaton } = compileSchema({ oneOf: [kind('a'), kind('b'), { type: 'null' }] }, { strict: true });
  assert.ok(accepts(automaton, '{"kind":"b"}'));
  assert.ok(!accepts(automaton, '{"kind":"c"}'));
});

test('a number is complete but may go on, an object is final', () => {
  const { automaton } = anyJson({ root: 'any' });
  const number = stepThrough(automaton, automaton.start, Buffer.from('12'))!;
  assert.ok(automaton.accepts(number) && !automaton.isFinal(number));
  const object = stepThrough(automaton, automaton.start, Buffer.from('{"a":[]}'))!;
  assert.ok(automaton.accepts(object) && automaton.isFinal(object));
  assert.equal(automaton.distance(stepThrough(automaton, automaton.start, Buffer.from('{"a":["é'))!), 3);
});

test('the same place in a text is the same state, whatever was written before', () => {
  const { automaton } = anyJson();
  const after = (text: string) => stepThrough(automaton, automaton.start, Buffer.from(text));
  assert.equal(after('{"some text'), after('{"o'));
  assert.equal(after('{"a":1,"b":"x'), after('{"c": "longer'));
});

test('a long text takes no more memory than the kept states, and older states stay valid', () => {
  const { automaton } = compileSchema({ type: 'array', maxItems: 1e9, items: { enum: [1, 2] } });
  const early = stepThrough(automaton, automaton.start, Buffer.from('[1,2'))!;
  const late = stepThrough(automaton, early, Buffer.from(',1'.repeat(60_000)))!;
  assert.ok(automaton.accepts(stepThrough(automaton, late, Buffer.from(',2]'))!));
  assert.ok(automaton.accepts(stepThrough(automaton, early, Buffer.from(', 1]'))!));
});
