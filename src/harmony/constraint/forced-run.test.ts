import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { o200kHarmony, tokenizerFromJson } from '../../tokenizer/index.ts';
import type { TurnConstraintOptions } from './options.ts';
import { type TurnConstraint, TurnConstraints } from './turn-constraint.ts';

const nano = tokenizerFromJson(
  readFileSync(new URL('../../../models/ossia-nano/tokenizer.json', import.meta.url), 'utf8'),
);
const vocabularies = [
  { tokenizer: o200kHarmony(), constraints: new TurnConstraints(o200kHarmony(), 201_088) },
  { tokenizer: nano, constraints: new TurnConstraints(nano, 3072) },
];
const [{ tokenizer, constraints }] = vocabularies as [(typeof vocabularies)[0]];

/** What is forced behind a beginning of a turn, as text. */
function forced(text: string, options: TurnConstraintOptions = {}): string {
  const constraint = constraints.open(options);
  for (const id of tokenizer.encodeWithSpecials(text)) constraint.advance(id);
  return tokenizer.decode(constraint.forced());
}

const isAllowed = (constraint: TurnConstraint, id: number): boolean => {
  const mask = new Uint32Array(Math.ceil(201_088 / 32));
  constraint.allow(mask);
  return ((mask[id >>> 5]! >>> (id & 31)) & 1) === 1;
};

const tools = [{ name: 'get_weather' }, { name: 'get_time' }, { name: 'read' }, { name: 'read_file' }];

test('a channel is forced, and the channel word where one is left', () => {
  assert.equal(forced(''), '<|channel|>');
  assert.equal(forced('', { maxReasoningTokens: 0 }), '<|channel|>final<|message|>');
  assert.equal(forced('<|channel|>'), '');
  assert.equal(forced('<|channel|>analysis'), '<|message|>');
  assert.equal(forced('<|channel|>analysis<|message|>Hm'), '');
  assert.equal(forced('<|channel|>analysis<|message|>Hm<|end|>'), '<|start|>assistant<|channel|>');
  assert.equal(forced('<|channel|>analysis<|message|>Hm<|end|><|start|>'), 'assistant<|channel|>');
});

test('the end of a thought whose tokens are spent is forced, with the header of the answer', () => {
  const thought = '<|channel|>analysis<|message|>Hm';
  const numTokens = tokenizer.encode('Hm').length;
  const run = '<|end|><|start|>assistant<|channel|>';
  assert.equal(forced(thought, { maxReasoningTokens: numTokens }), `${run}final<|message|>`);
  assert.equal(forced(thought, { maxReasoningTokens: numTokens, tools }), run);
  assert.equal(forced(thought, { maxReasoningTokens: numTokens + 1 }), '');
  const only = { tools, toolChoice: { name: 'get_time' }, preamble: false } as const;
  assert.equal(forced(thought, { ...only, maxReasoningTokens: numTokens }), `${run}commentary to=functions.get_time`);
});

test('names are forced as far as they agree, in tokens that all of them have', () => {
  const required = { tools, toolChoice: 'required', preamble: false } as const;
  assert.equal(forced('<|channel|>commentary', required), ' to=functions');
  assert.equal(forced('<|channel|>commentary to=functions.get', required), '');
  assert.equal(forced('<|channel|>commentary to=functions.get_', required), '');
  assert.equal(forced('<|channel|>commentary to=functions.get_w', required), 'eather');
  assert.equal(forced('<|channel|>commentary to=functions.read', required), '');
  const data = { tools: [{ name: 'data' }, { name: 'database' }], toolChoice: 'required', preamble: false } as const;
  assert.equal(forced('<|channel|>commentary', data), ' to=functions'); // .data is a token, and so is .database
  const two = { tools: tools.slice(0, 2), toolChoice: 'required', preamble: false } as const;
  assert.equal(forced('<|channel|>commentary', two), ' to=functions.get');
});

test('JSON that is complete is closed, and nothing of it is forced before', () => {
  const schema = { type: 'object', properties: { a: { const: 1 } }, required: ['a'] };
  const json = { responseFormat: { type: 'json_schema', schema } } as const;
  assert.equal(forced('<|channel|>final<|message|>', json), '');
  assert.equal(forced('<|channel|>final<|message|>{"a":1', json), '');
  assert.equal(forced('<|channel|>final<|message|>{"a":1}', json), '<|return|>');
  assert.equal(forced('<|channel|>commentary to=functions.read<|message|>{', { tools }), '');
  assert.equal(forced('<|channel|>commentary to=functions.read<|message|>{}', { tools }), '<|call|>');
  const number = { responseFormat: { type: 'json_schema', schema: { type: 'integer' } } } as const;
  assert.equal(forced('<|channel|>final<|message|>12', number), '');
  assert.equal(forced('<|channel|>final<|message|>Yes.<|return|>'), '');
});

test('half a character is forced by nobody', () => {
  const snowmen = { tools: [{ name: '☃☃' }], toolChoice: 'required', preamble: false } as const;
  const constraint = constraints.open(snowmen);
  for (const id of tokenizer.encodeWithSpecials('<|channel|>commentary to=functions.')) constraint.advance(id);
  assert.equal(tokenizer.decode(constraint.forced()), '☃☃');
  const byte = Array.from({ length: 256 }, (_, id) => id).find((id) => tokenizer.tokenBytes(id)[0] === 0xe2)!;
  constraint.advance(byte);
  assert.deepEqual(constraint.forced(), []);
});

test('every call that the models write goes through: what is forced is what stands there, and allowed token for token', () => {
  const names = [
    'get_weather',
    'getTime',
    'get.weather',
    'a',
    'x-y_z',
    'read',
    'read_file',
    'json',
    'code',
    'search_2',
  ];
  const sets = [names, names.slice(0, 3), names.slice(5, 7), ...names.map((name) => [name])];
  let numForced = 0;
  for (const { tokenizer, constraints } of vocabularies) {
    for (const set of sets) {
      for (const name of set) {
        for (const [channel, type] of [
          ['commentary', ' <|constrain|>json'],
          ['analysis', ' code'],
          ['commentary', ''],
        ]) {
          const tools = set.map((name) => ({ name }));
          const constraint = constraints.open({ tools, ...(set.length === 1 ? { toolChoice: 'required' } : {}) });
          const ids = tokenizer.encodeWithSpecials(
            `<|channel|>${channel} to=functions.${name}${type}<|message|>{}<|call|>`,
          );
          ids.forEach((id, i) => {
            const run = constraint.forced();
            assert.deepEqual(
              run,
              ids.slice(i, i + run.length),
              `${name} among ${set} at ${tokenizer.decode(ids.slice(0, i))}`,
            );
            numForced += run.length > 0 ? 1 : 0;
            assert.ok(isAllowed(constraint, id));
            constraint.advance(id);
          });
          assert.ok(constraint.isOver);
        }
      }
    }
  }
  assert.ok(numForced > 300, `${numForced}`);
});

test('too many ways to go on are not compared', () => {
  const many = Array.from({ length: 600 }, (_, i) => ({ name: `tool_${i}` }));
  assert.equal(forced('<|channel|>commentary', { tools: many, toolChoice: 'required', preamble: false }), '');
});
