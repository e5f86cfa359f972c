import fc from 'fast-check';

type Schema = Record<string, unknown>;

const NAMES = ['path', 'n', 'naïve', 'a b', '"', 'path_name'];

const strings = fc.oneof(
  fc.constant<Schema>({ type: 'string' }),
  fc.tuple(fc.nat(3), fc.nat(5)).map(([minLength, more]): Schema => {
    return { type: 'string', minLength, maxLength: minLength + more };
  }),
  fc.constantFrom('^[a-c]+$', 'x\\d{2,3}', '^(?:é|\\s)*$').map((pattern): Schema => ({ type: 'string', pattern })),
);

const numbers = fc.oneof(
  fc.constantFrom<Schema>({ type: 'number' }, { type: 'integer' }, { type: 'integer', exclusiveMinimum: 7 }),
  fc.tuple(fc.integer({ min: -300, max: 300 }), fc.nat(500)).map(([minimum, more]): Schema => {
    return { type: 'integer', minimum, maximum: minimum + more };
  }),
);

const listed = fc
  .uniqueArray(fc.oneof(fc.string({ maxLength: 3 }), fc.integer(), fc.boolean(), fc.constant(null)), {
    minLength: 1,
    maxLength: 4,
  })
  .map((values): Schema => (values.length === 1 ? { const: values[0] } : { enum: values }));

/** Schemas as people write them for functions and answers: nested, bounded, with choices. All can be held exactly. */
export const schemas: fc.Arbitrary<Schema> = fc.letrec<{ any: Schema }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(strings, numbers, listed, fc.constant<Schema>({ type: ['boolean', 'null'] })),
    objectsOf(tie('any')),
    fc.tuple(tie('any'), fc.nat(2), fc.nat(2)).map(([items, minItems, more]): Schema => {
      return { type: 'array', items, minItems, maxItems: minItems + more };
    }),
    fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((anyOf): Schema => ({ anyOf })),
  ),
})).any;

function objectsOf(inner: fc.Arbitrary<Schema>): fc.Arbitrary<Schema> {
  const properties = fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), inner, fc.boolean()), {
    maxLength: 3,
    selector: ([name]) => name,
  });
  return fc.tuple(properties, fc.option(fc.oneof(fc.boolean(), inner))).map(([list, additionalProperties]): Schema => {
    return {
      type: 'object',
      properties: Object.fromEntries(list.map(([name, schema]) => [name, schema])),
      required: list.filter(([, , isRequired]) => isRequired).map(([name]) => name),
      ...(additionalProperties === null ? {} : { additionalProperties }),
    };
  });
}

/** Schemas of arguments. */
export const objectSchemas: fc.Arbitrary<Schema> = objectsOf(schemas);
