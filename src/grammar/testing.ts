import fc from 'fast-check';
import type { ByteAutomaton, State } from './index.ts';

/** A schema and how to make values that satisfy it, with properties in the schema's order. */
export interface Sample {
  readonly schema: Record<string, unknown>;
  readonly values: fc.Arbitrary<unknown>;
}

/** Strings without lone surrogates, which JSON texts in UTF-8 cannot have. */
const text = (bounds: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), fc.constantFrom('"', '\\', '\n', '\u0001')),
      bounds,
    )
    .map((parts) => [...parts.join('')].slice(0, bounds.maxLength).join(''));

const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'ab', 'naïve key', '"', 'longer_name', '\n', ''), {
  maxLength: 4,
});

const strings: fc.Arbitrary<Sample> = fc.oneof(
  fc.constant({ schema: { type: 'string' }, values: text({ maxLength: 9 }) }),
  fc.tuple(fc.nat(3), fc.nat(5)).map(([minLength, more]) => ({
    schema: { type: 'string', minLength, maxLength: minLength + more },
    values: text({ minLength, maxLength: minLength + more }),
  })),
  fc
    .constantFrom('^[a-c]+$', 'x\\d{2,3}', '^(?:é|\\s)*$', '^[^a]$', '^"\\\\?$', '^-?\\d+(?:\\.\\d+)?$|^$')
    .map((pattern) => ({
      schema: { type: 'string', pattern },
      values: fc.stringMatching(new RegExp(pattern, 'u')).filter((value) => value.isWellFormed()),
    })),
  fc.constantFrom('uuid', 'date', 'ipv4').map((format) => ({
    schema: { type: 'string', format },
    values: format === 'uuid' ? fc.uuid() : format === 'ipv4' ? fc.ipV4() : days,
  })),
);

const days = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

const numbers: fc.Arbitrary<Sample> = fc.oneof(
  fc.constant({ schema: { type: 'number' }, values: fc.double({ noNaN: true, min: -1e300, max: 1e300 }) }),
  fc.constant({ schema: { type: 'integer' }, values: fc.maxSafeInteger() }),
  fc.tuple(fc.integer({ min: -5000, max: 5000 }), fc.nat(3000)).map(([minimum, more]) => ({
    schema: { type: 'integer', minimum, maximum: minimum + more },
    values: fc.integer({ min: minimum, max: minimum + more }),
  })),
  fc.tuple(fc.integer({ min: -5000, max: 5000 }), fc.integer({ min: 1, max: 3000 })).map(([first, more]) => {
    const [exclusiveMinimum, maximum] = [first / 8, (first + more) / 8];
    const values = fc.integer({ min: first * 16 + 1, max: (first + more) * 16 }).map((value) => value / 128);
    return { schema: { type: 'number', exclusiveMinimum, maximum }, values };
  }),
);

const listed: fc.Arbitrary<Sample> = fc.oneof(
  fc
    .uniqueArray(fc.oneof(text({ maxLength: 3 }), fc.integer(), fc.boolean(), fc.constant(null)), {
      minLength: 1,
      maxLength: 5,
    })
    .map((values) => ({ schema: { enum: values }, values: fc.constantFrom(...values) })),
  fc.constantFrom<unknown>('one', 2, null).map((value) => ({ schema: { const: value }, values: fc.constant(value) })),
);

export const samples: fc.Arbitrary<Sample> = fc.letrec<{ any: Sample }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(strings, numbers, listed),
    objects(tie('any')),
    arrays(tie('any')),
    unions(tie('any')),
  ),
})).any;

function objects(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  const others = fc.option(inner);
  return fc
    .tuple(names, fc.array(inner, { minLength: 4, maxLength: 4 }), fc.nat(15), others)
    .map(([keys, parts, bits, other]) => {
      const required = keys.filter((_, i) => (bits >> i) & 1);
      const properties = Object.fromEntries(keys.map((key, i) => [key, parts[i]!.schema]));
      const record = fc.record(Object.fromEntries(keys.map((key, i) => [key, parts[i]!.values])), {
        requiredKeys: required,
      });
      const extra =
        other === null ? fc.constant({}) : fc.dictionary(text({ maxLength: 3 }), other.values, { maxKeys: 2 });
      const values = fc.tuple(record, extra).map(([declared, more]) => ({
        ...Object.fromEntries(keys.filter((key) => Object.hasOwn(declared, key)).map((key) => [key, declared[key]])),
        ...Object.fromEntries(Object.entries(more).filter(([key]) => !(keys as string[]).includes(key))),
      }));
      // Integer-like names come first in an object, whatever their order: the texts of this test have none of them before.
      return { schema: { type: 'object', properties, required, additionalProperties: other?.schema ?? false }, values };
    });
}

function arrays(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc
    .tuple(fc.array(inner, { maxLength: 2 }), inner, fc.nat(3), fc.nat(2))
    .map(([first, rest, minItems, more]) => {
      const maxItems = minItems + more;
      const values = fc
        .integer({ min: minItems, max: maxItems })
        .chain((length) => fc.tuple(...Array.from({ length }, (_, i) => (first[i] ?? rest).values)));
      const prefix = first.length > 0 ? { prefixItems: first.map(({ schema }) => schema) } : {};
      return { schema: { type: 'array', ...prefix, items: rest.schema, minItems, maxItems }, values };
    });
}

function unions(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc.tuple(fc.array(inner, { minLength: 1, maxLength: 3 }), fc.boolean()).map(([parts, isWrapped]) => ({
    schema: isWrapped
      ? { allOf: [{ anyOf: parts.map(({ schema }) => schema) }, true] }
      : { anyOf: parts.map(({ schema }) => schema) },
    values: fc.oneof(...parts.map(({ values }) => values)),
  }));
}

/** Compact, or with one space after each `:` and `,`. */
export function serialize(value: unknown, space: '' | ' '): string {
  if (Array.isArray(value)) return `[${value.map((item) => serialize(item, space)).join(`,${space}`)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, item]) => `${JSON.stringify(key)}:${space}${serialize(item, space)}`,
  );
  return `{${entries.join(`,${space}`)}}`;
}

/** The state after the text, or undefined. */
export function stepThrough(automaton: ByteAutomaton, state: State, bytes: Iterable<number>): State | undefined {
  let current: State | undefined = state;
  for (const byte of bytes) {
    if (current === undefined) return undefined;
    current = automaton.next(current, byte);
  }
  return current;
}

export function accepts(automaton: ByteAutomaton, json: string): boolean {
  const end = stepThrough(automaton, automaton.start, new TextEncoder().encode(json));
  return end !== undefined && automaton.accepts(end);
}
