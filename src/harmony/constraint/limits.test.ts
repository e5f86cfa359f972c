import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { tokenizerFromJson } from '../../tokenizer/index.ts';
import type { TurnConstraintOptions } from './options.ts';
import { type TurnConstraint, TurnConstraints } from './turn-constraint.ts';

const nano = tokenizerFromJson(
  readFileSync(new URL('../../../models/ossia-nano/tokenizer.json', import.meta.url), 'utf8'),
);
const constraints = new TurnConstraints(nano, 3072);
const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tools = [{ name: 'read', parameters: city }];

function allowed(constraint: TurnConstraint): string[] {
  const mask = new Uint32Array(3072 / 32);
  constraint.allow(mask);
  const ids = Array.from({ length: 3072 }, (_, id) => id);
  return ids.filter((id) => mask[id >>> 5]! & (1 << (id & 31))).map((id) => nano.decode([id]));
}

function advance(constraint: TurnConstraint, text: string): TurnConstraint {
  for (const id of nano.encodeWithSpecials(text)) {
    assert.ok(allowed(constraint).includes(nano.decode([id])), `${nano.decode([id])} in ${text}`);
    constraint.advance(id);
  }
  return constraint;
}

const open = (text: string, options: TurnConstraintOptions = {}) => advance(constraints.open(options), text);

/** Goes on with a thought until it is closed; says how many tokens that took. */
function think(constraint: TurnConstraint): number {
  let numTokens = 0;
  for (; allowed(constraint).length > 1; numTokens++) {
    assert.ok(numTokens < 100, 'the thought is not closed');
    advance(constraint, 'x');
  }
  return numTokens;
}

/** What is left to choose from, as channel words begin. */
const channels = (constraint: TurnConstraint) =>
  new Set(allowed(advance(constraint, '<|channel|>')).map((text) => text[0]));

test('a turn that cannot hold its call or its JSON is refused, one that just can is not', () => {
  const cases: readonly TurnConstraintOptions[] = [
    { tools, toolChoice: 'required' },
    { tools: [{ name: 'read_everything', parameters: city }, ...tools], toolChoice: { name: 'read' } },
    { responseFormat: { type: 'json_object' } },
    { responseFormat: { type: 'json_schema', schema: city } },
    { responseFormat: { type: 'json_schema', schema: { type: 'string', minLength: 20 } } },
    { builtins: ['python'], toolChoice: 'required' },
    { builtins: ['browser'], toolChoice: { name: 'browser.open' } },
  ];
  for (const options of cases) {
    const least = Array.from({ length: 100 }, (_, i) => i + 1).find((maxTokens) => {
      try {
        constraints.open({ ...options, maxTokens });
        return true;
      } catch (error) {
        assert.ok(error instanceof Error && 'code' in error && error.code === 'harmony/bad-constraint');
        assert.match(error.message, new RegExp(`in ${maxTokens} tokens: the shortest turn takes \\d+`));
        return false;
      }
    });
    assert.ok(least !== undefined && least > 4, `${least} for ${JSON.stringify(options)}`);
  }
  const shortest = '<|channel|>commentary to=functions.read<|message|>{"city":""}<|call|>';
  const numTokens = nano.encodeWithSpecials(shortest).length;
  constraints.open({ tools, toolChoice: 'required', maxTokens: numTokens });
  assert.throws(() => constraints.open({ tools, toolChoice: 'required', maxTokens: numTokens - 3 }), /the call/);
});

test('free text is never refused, however few its tokens are', () => {
  for (const options of [{}, { tools }, { tools, toolChoice: 'none' }] as const) {
    constraints.open({ ...options, maxTokens: 1 });
  }
});

test('what is reserved for the answer is left of the turn when a thought is closed', () => {
  const header = '<|start|>assistant<|channel|>final<|message|>';
  for (const reserve of [1, 5, 20]) {
    const constraint = open('<|channel|>analysis<|message|>', { maxTokens: 60, reserve });
    const numTokens = nano.encodeWithSpecials('<|channel|>analysis<|message|>').length + think(constraint);
    assert.deepEqual(allowed(constraint), ['<|end|>']);
    const run = nano.encodeWithSpecials(`<|end|>${header}`);
    assert.deepEqual(constraint.forced(), run);
    // At least two: an answer is a token and its end.
    assert.equal(60 - numTokens - run.length, Math.max(2, reserve));
    advance(constraint, `<|end|>${header}x<|return|>`);
  }
});

test('a remark is closed as well, and neither remark nor call begins when time is short', () => {
  const constraint = open('<|channel|>commentary<|message|>', { tools, maxTokens: 40, reserve: 10 });
  think(constraint);
  assert.match(nano.decode(constraint.forced()), /^<\|end\|><\|start\|>assistant<\|channel\|>final<\|message\|>$/);
  assert.deepEqual(channels(constraints.open({ tools, maxTokens: 20, reserve: 18 })), new Set(['f']));
  assert.deepEqual(channels(constraints.open({ tools, maxTokens: 20 })), new Set(['a', 'c', 'f']));
  const must = { tools, toolChoice: 'required', maxTokens: 40, reserve: 38 } as const;
  assert.deepEqual(channels(constraints.open(must)), new Set(['c']));
});

test('a reserve counts what JSON takes at least', () => {
  const schema = { type: 'string', minLength: 20 };
  const options = { responseFormat: { type: 'json_schema', schema }, maxTokens: 60, reserve: 1 } as const;
  const constraint = open('<|channel|>analysis<|message|>', options);
  const numTokens = think(constraint);
  advance(constraint, nano.decode(constraint.forced()));
  advance(constraint, `"${'a'.repeat(20)}"<|return|>`);
  assert.ok(numTokens > 5, `${numTokens}`);
});

test('in a hurry a thought is closed after its first token, and none follows', () => {
  const thinking = open('<|channel|>analysis<|message|>Well', { tools });
  thinking.hurry();
  assert.deepEqual(allowed(thinking), ['<|end|>']);
  advance(thinking, '<|end|><|start|>assistant');
  assert.deepEqual(channels(thinking), new Set(['c', 'f']));
  const empty = open('<|channel|>analysis<|message|>');
  empty.hurry();
  assert.ok(!allowed(empty).includes('<|end|>') && empty.forced().length === 0);
  advance(empty, 'x');
  assert.equal(nano.decode(empty.forced()), '<|end|><|start|>assistant<|channel|>final<|message|>');
});

test('a hurry in a header turns it where it can still turn', () => {
  for (const text of ['', '<|channel|>']) {
    const constraint = open(text, { tools, toolChoice: 'none' });
    constraint.hurry();
    assert.equal(text + nano.decode(constraint.forced()), '<|channel|>final<|message|>');
  }
  const between = open('<|channel|>analysis<|message|>x<|end|><|start|>', {});
  between.hurry();
  assert.equal(nano.decode(between.forced()), 'assistant<|channel|>final<|message|>');
  const begun = open('<|channel|>analysis', {});
  begun.hurry();
  advance(begun, '<|message|>x<|end|><|start|>assistant<|channel|>final<|message|>x<|return|>');
  assert.ok(begun.isOver);
  const call = open('<|channel|>commentary to=functions.read<|message|>{"city"', { tools });
  call.hurry();
  advance(call, ':"Oslo"}<|call|>');
  const builtin = open('<|channel|>analysis', { builtins: ['python'] });
  builtin.hurry();
  assert.ok(allowed(builtin).includes('<|message|>'), 'nothing makes a call of a thought');
});

test('without thoughts a builtin is called only where nothing else can be', () => {
  const spent = { builtins: ['python'], maxReasoningTokens: 0 } as const;
  assert.deepEqual(channels(constraints.open(spent)), new Set(['c', 'f']));
  assert.deepEqual(channels(constraints.open({ ...spent, tools, toolChoice: 'required' })), new Set(['c']));
  assert.ok(open('<|channel|>analysis to=python<|message|>1<|call|>', { ...spent, toolChoice: 'required' }).isOver);
});

test('a thought that goes in circles is closed, unless that is not wanted', () => {
  const round = 'Wait. ';
  for (const loopDetection of [undefined, true, false]) {
    const constraint = constraints.open(loopDetection === undefined ? {} : { loopDetection });
    advance(constraint, '<|channel|>analysis<|message|>');
    let numTokens = 0;
    const ids = nano.encode(round.repeat(400));
    for (; numTokens < ids.length && constraint.forced().length === 0; numTokens++) constraint.advance(ids[numTokens]!);
    if (loopDetection === false) assert.equal(numTokens, ids.length);
    else {
      assert.ok(numTokens > 256 && numTokens < 300, `${numTokens}`);
      assert.equal(nano.decode(constraint.forced()), '<|end|><|start|>assistant<|channel|>final<|message|>');
    }
  }
  const answer = open('<|channel|>final<|message|>');
  for (const id of nano.encode(round.repeat(400))) answer.advance(id);
  assert.ok(allowed(answer).includes('<|return|>') && allowed(answer).length > 1000);
});

test('where ends are ignored only JSON comes to one', () => {
  const ignoreEnd = true;
  const ends = (text: string, options: TurnConstraintOptions = {}) =>
    allowed(open(text, { ignoreEnd, ...options })).filter((token) => token.startsWith('<|'));
  assert.deepEqual(ends('<|channel|>final<|message|>Yes.'), []);
  assert.deepEqual(ends('<|channel|>analysis<|message|>Yes.'), ['<|end|>']);
  assert.deepEqual(ends('<|channel|>analysis to=python<|message|>1', { builtins: ['python'] }), []);
  assert.deepEqual(ends('<|channel|>commentary to=functions.read<|message|>{"city":"a"}', { tools }), ['<|call|>']);
  const number = { responseFormat: { type: 'json_schema', schema: { type: 'integer' } } } as const;
  assert.deepEqual(ends('<|channel|>final<|message|>12', number), []);
});
