import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { allowedTokens, anyJson, type ByteAutomaton, compileSchema, TokenTable } from '../src/grammar/index.ts';
import { samples, stepThrough } from '../src/grammar/testing.ts';
import { o200kHarmony, type Tokenizer, tokenizerFromJson } from '../src/tokenizer/index.ts';

const has = (mask: Uint32Array, id: number): boolean => ((mask[id >> 5]! >>> (id & 31)) & 1) === 1;

/** Bytes of ordinary tokens only. */
function ordinary(tokenizer: Tokenizer): (id: number) => Uint8Array | undefined {
  const specials = new Set(tokenizer.specials.values());
  const bytes = (id: number): Uint8Array | undefined => {
    try {
      return specials.has(id) ? undefined : tokenizer.tokenBytes(id);
    } catch {
      return undefined; // a gap in the ids
    }
  };
  const all = Array.from({ length: tokenizer.vocabSize }, (_, id) => bytes(id));
  return (id) => all[id];
}

const nano = tokenizerFromJson(readFileSync(new URL('../models/ossia-nano/tokenizer.json', import.meta.url), 'utf8'));
const vocabularies = [o200kHarmony(), nano].map((tokenizer) => {
  const bytesOf = ordinary(tokenizer);
  return { tokenizer, bytesOf, table: new TokenTable(bytesOf, tokenizer.vocabSize) };
});

function maskOf(table: TokenTable, automaton: ByteAutomaton, state: ByteAutomaton['start']): Uint32Array {
  const mask = new Uint32Array(Math.ceil(table.vocabSize / 32));
  allowedTokens(table, automaton, state, mask);
  return mask;
}

test('a mask holds exactly the tokens whose bytes all step through', () => {
  const walks = fc.tuple(samples, fc.array(fc.nat(), { maxLength: 7 }));
  fc.assert(
    fc.property(walks, ([{ schema }, choices]) => {
      const { automaton } = compileSchema(schema);
      for (const { bytesOf, table } of vocabularies) {
        let state = automaton.start;
        for (const choice of choices) {
          const mask = maskOf(table, automaton, state);
          const allowed = Array.from({ length: table.vocabSize }, (_, id) => id).filter((id) => has(mask, id));
          const next =
            allowed.length > 0 ? stepThrough(automaton, state, bytesOf(allowed[choice % allowed.length]!)!) : undefined;
          if (next === undefined) break;
          state = next;
        }
        const mask = maskOf(table, automaton, state);
        for (let id = 0; id < table.vocabSize; id++) {
          const bytes = bytesOf(id);
          const steps = bytes !== undefined && stepThrough(automaton, state, bytes) !== undefined;
          if (has(mask, id) !== steps) assert.equal(has(mask, id), steps, `token ${id} ${JSON.stringify(schema)}`);
        }
      }
    }),
    { numRuns: 12 },
  );
});

test('a walk over random allowed tokens, then towards the end, gives a value that satisfies the schema', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  fc.assert(
    fc.property(samples, fc.array(fc.nat(), { maxLength: 9 }), ({ schema }, choices) => {
      const { automaton } = compileSchema(schema);
      for (const { bytesOf, table } of vocabularies) {
        const written: number[] = [];
        let state = automaton.start;
        for (let i = 0; !automaton.isFinal(state); i++) {
          if (i >= choices.length && automaton.accepts(state)) break;
          const mask = maskOf(table, automaton, state);
          const allowed: number[] = [];
          for (let id = 0; id < table.vocabSize; id++) if (has(mask, id)) allowed.push(id);
          const after = (id: number) => stepThrough(automaton, state, bytesOf(id)!)!;
          const choice = choices[i];
          const sample = choice === undefined ? allowed.filter((id) => bytesOf(id)!.length === 1) : allowed;
          const id =
            choice === undefined
              ? sample.reduce((a, b) => (automaton.distance(after(b)) < automaton.distance(after(a)) ? b : a))
              : sample[choice % sample.length]!;
          written.push(...bytesOf(id)!);
          state = after(id);
        }
        const json = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(written));
        assert.ok(ajv.validate(schema, JSON.parse(json)), `${json} ${ajv.errorsText()}`);
      }
      ajv.removeSchema(schema);
    }),
    { numRuns: 30 },
  );
});

test('a place where many properties may begin allows the names of all of them', () => {
  const names = Array.from({ length: 37 }, (_, i) => `name${i}`);
  const { automaton } = compileSchema({
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, true])),
  });
  const state = stepThrough(automaton, automaton.start, Buffer.from('{"name'))!;
  const { tokenizer, table } = vocabularies[0]!;
  for (let turn = 0; turn < 2; turn++) {
    const mask = maskOf(table, automaton, state); // the second time from what was kept
    for (const text of ['0', '36', '1', '7', '7":'])
      assert.ok(
        tokenizer.encode(text).every((id, i) => i > 0 || has(mask, id)),
        text,
      );
    for (const text of ['37', '99', 'x', '"']) assert.ok(!has(mask, tokenizer.encode(text)[0]!), text);
  }
});

test('the tokens that the encoder chooses for a JSON text are all allowed', () => {
  const texts = ['{"name":"Ada","tags":["x, y","é😀"],"n":-1.5e3}', '{"a": {"b": [1, 2, {"c": null}]}, "d": "\\"\\n"}'];
  for (const { tokenizer, bytesOf, table } of vocabularies) {
    for (const text of texts) {
      const { automaton } = anyJson();
      let state = automaton.start;
      for (const id of tokenizer.encode(text)) {
        assert.ok(has(maskOf(table, automaton, state), id), `${JSON.stringify(tokenizer.decode([id]))} in ${text}`);
        state = stepThrough(automaton, state, bytesOf(id)!)!;
      }
      assert.ok(automaton.isFinal(state));
    }
  }
});

test('a mask that is too short for the vocabulary is refused', () => {
  const { automaton } = anyJson();
  assert.throws(
    () => allowedTokens(vocabularies[0]!.table, automaton, automaton.start, new Uint32Array(3)),
    RangeError,
  );
});
