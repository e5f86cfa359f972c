import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { type ByteAutomaton, compileSchema, type State } from './index.ts';
import { accepts, samples, serialize } from './testing.ts';

const ajv = new Ajv2020({
  strict: false,
  formats: { date: /^\d{4}-\d\d-\d\d$/, uuid: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i, ipv4: /^\d+(\.\d+){3}$/ },
});

/** Free steps, each to an allowed byte, then the shortest way out: every state on the way must have one. */
function walk(automaton: ByteAutomaton, choices: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  const step = (
    state: State,
    pick: (ways: readonly (readonly [number, State])[]) => readonly [number, State],
  ): State => {
    const ways: [number, State][] = [];
    for (let byte = 0; byte < 256; byte++) {
      const to = automaton.next(state, byte);
      if (to !== undefined) ways.push([byte, to]);
    }
    assert.ok(ways.length > 0 || automaton.accepts(state), `a dead end after ${Buffer.from(bytes).toString()}`);
    const [byte, to] = pick(ways);
    bytes.push(byte);
    return to;
  };
  let state = automaton.start;
  for (const choice of choices) {
    if (automaton.isFinal(state)) break;
    state = step(state, (ways) => ways[choice % ways.length]!);
  }
  while (!automaton.accepts(state)) {
    const before = automaton.distance(state);
    state = step(state, (ways) => ways.reduce((a, b) => (automaton.distance(b[1]) < automaton.distance(a[1]) ? b : a)));
    assert.ok(automaton.distance(state) < before, `no shorter way after ${Buffer.from(bytes).toString()}`);
  }
  return Uint8Array.from(bytes);
}

/** What a schema of the samples cannot be compiled to: one that nothing finite satisfies does not come up. */
const compiled = (schema: unknown): ByteAutomaton => compileSchema(schema, { strict: true }).automaton;

test('every walk through allowed bytes can be completed, and is then valid', () => {
  const choices = fc.array(fc.nat(), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(samples, fc.array(choices, { minLength: 3, maxLength: 3 }), ({ schema }, walks) => {
      const automaton = compiled(schema);
      const validate = ajv.compile(schema);
      for (const each of walks) {
        const json = new TextDecoder('utf-8', { fatal: true }).decode(walk(automaton, each));
        const value: unknown = JSON.parse(json);
        assert.ok(validate(value), `${json} ${ajv.errorsText(validate.errors)}`);
        assert.ok(JSON.stringify(value).isWellFormed());
      }
      ajv.removeSchema(schema);
    }),
    { numRuns: 100 },
  );
});

test('every value that satisfies a schema is accepted, compact and with spaces', () => {
  const cases = samples.chain(({ schema, values }) =>
    fc.tuple(fc.constant(schema), fc.array(values, { maxLength: 5 })),
  );
  fc.assert(
    fc.property(cases, fc.constantFrom<'' | ' '>('', ' '), ([schema, values], space) => {
      const automaton = compiled(schema);
      for (const value of values) assert.ok(accepts(automaton, serialize(value, space)), serialize(value, space));
    }),
    { numRuns: 150 },
  );
});

test('a value that does not satisfy the schema is refused', () => {
  const cases = fc.tuple(samples, samples).chain(([one, other]) => fc.tuple(fc.constant(one.schema), other.values));
  let numInvalid = 0;
  fc.assert(
    fc.property(cases, ([schema, value]) => {
      const isValid = ajv.validate(schema, value);
      ajv.removeSchema(schema);
      if (isValid) return;
      numInvalid++;
      assert.ok(!accepts(compiled(schema), serialize(value, '')));
    }),
    { numRuns: 150 },
  );
  assert.ok(numInvalid > 30);
});
