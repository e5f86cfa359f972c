import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { o200kHarmony, tokenizerFromJson } from '../../tokenizer/index.ts';
import { recover } from '../recovery/parser.ts';
import type { TurnConstraintOptions } from './options.ts';
import { checkTurn, type TurnConstraint, TurnConstraints } from './turn-constraint.ts';

const nano = tokenizerFromJson(
  readFileSync(new URL('../../../models/ossia-nano/tokenizer.json', import.meta.url), 'utf8'),
);
const VOCAB = 3072;
const constraints = new TurnConstraints(nano, VOCAB);

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tools = [
  { name: 'read', parameters: city },
  { name: 'read_file', parameters: city },
  { name: 'patch', parameters: { type: 'string' } },
];

function allowed(constraint: TurnConstraint, vocabSize = VOCAB): Set<number> {
  const mask = new Uint32Array(Math.ceil(vocabSize / 32));
  constraint.allow(mask);
  const ids = Array.from({ length: mask.length * 32 }, (_, id) => id);
  return new Set(ids.filter((id) => mask[id >>> 5]! & (1 << (id & 31))));
}

/** The constraint behind a beginning of a turn, each token of which it must have allowed. */
function after(text: string, options: TurnConstraintOptions = {}): TurnConstraint {
  const constraint = constraints.open(options);
  for (const id of nano.encodeWithSpecials(text)) {
    assert.ok(allowed(constraint).has(id), `${JSON.stringify(nano.decode([id]))} in ${text}`);
    constraint.advance(id);
  }
  return constraint;
}

/** What may come next, as texts; for places where that is little. */
function next(text: string, options: TurnConstraintOptions = {}): string[] {
  return [...allowed(after(text, options))].map((id) => nano.decode([id])).sort();
}

const refuses = (text: string, options: TurnConstraintOptions = {}) =>
  assert.throws(() => {
    const constraint = constraints.open(options);
    for (const id of nano.encodeWithSpecials(text)) constraint.advance(id);
  }, RangeError);

test('every turn of the embedded model is allowed, and over where it ends', () => {
  const path = new URL('../../../test/golden/ossia-nano-checks.json', import.meta.url);
  const { cases }: { cases: { completion_text: string }[] } = JSON.parse(readFileSync(path, 'utf8'));
  for (const { completion_text: text } of cases) {
    const name = /to=functions\.(\w+)/.exec(text)?.[1];
    const constraint = after(text, name === undefined ? {} : { tools: [{ name }] });
    assert.ok(constraint.isOver);
    assert.equal(allowed(constraint).size, 0);
  }
});

test('a turn begins with a channel, and without tools that is analysis or final', () => {
  assert.deepEqual(next(''), ['<|channel|>']);
  const starts = (ids: readonly string[]) => new Set(ids.map((text) => text[0]));
  assert.deepEqual(starts(next('<|channel|>')), new Set(['a', 'f']));
  assert.deepEqual(starts(next('<|channel|>', { tools })), new Set(['a', 'c', 'f']));
  assert.deepEqual(starts(next('<|channel|>', { tools, toolChoice: 'none' })), new Set(['a', 'f']));
  assert.deepEqual(starts(next('<|channel|>', { tools, toolChoice: 'required' })), new Set(['a', 'c']));
  assert.deepEqual(next('<|channel|>final', { tools }), ['<|message|>']);
  refuses('<|channel|>final to=functions.read', { tools });
  refuses('<|channel|>analysis to=assistant', { tools });
});

test('a name ends where no other goes on, whatever its tokens are', () => {
  const header = '<|channel|>commentary to=functions.read';
  const ends = next(header, { tools });
  for (const text of ['<|message|>', ' ', '_']) assert.ok(ends.includes(text), text);
  assert.ok(!ends.includes('x') && !ends.includes('<|end|>'));
  assert.ok(!next(`${header}_file`, { tools }).includes('_'));
  const constraint = constraints.open({ tools });
  constraint.advance(nano.specials.get('<|channel|>')!);
  for (const letter of 'commentary to=functions.read_file') constraint.advance(nano.encode(letter)[0]!);
  assert.ok(allowed(constraint).has(nano.specials.get('<|message|>')!));
});

test('content types: marked json, json, code or none', () => {
  for (const type of ['', ' json', ' code', ' <|constrain|>json']) {
    const text = `<|channel|>commentary to=functions.read${type}<|message|>{"city":"Oslo"}<|call|>`;
    assert.ok(after(text, { tools }).isOver);
    assert.ok(after(text.replace('commentary', 'analysis'), { tools }).isOver);
  }
  refuses('<|channel|>commentary to=functions.read xml', { tools });
  refuses('<|channel|>commentary <|constrain|>json', { tools });
});

test('no body is empty, and each has its own stop token', () => {
  const stops = (text: string, options?: TurnConstraintOptions) =>
    next(text, options).filter((token) => token.startsWith('<|'));
  for (const [header, stop, options] of [
    ['<|channel|>analysis', '<|end|>', {}],
    ['<|channel|>commentary', '<|end|>', { tools }],
    ['<|channel|>final', '<|return|>', {}],
    ['<|channel|>commentary to=functions.patch', '<|call|>', { tools }],
    ['<|channel|>analysis to=python code', '<|call|>', { builtins: ['python'] }],
  ] as const) {
    assert.deepEqual(stops(`${header}<|message|>`, options), []);
    assert.deepEqual(stops(`${header}<|message|>x`, options), [stop]);
  }
  assert.deepEqual(next('<|channel|>commentary to=functions.read<|message|>', { tools })[0]?.[0], '{');
  assert.deepEqual(next('<|channel|>commentary to=functions.read<|message|>{"city":"a"}', { tools }), ['<|call|>']);
});

test('a preamble is written once, where something can be called and the answer is text', () => {
  const preamble = '<|channel|>commentary<|message|>Let me see.<|end|>';
  assert.deepEqual(next(preamble, { tools }), ['<|start|>']);
  const again = next(`${preamble}<|start|>assistant<|channel|>commentary`, { tools });
  assert.ok(again.includes(' ') && !again.includes('<|message|>'));
  assert.ok(!next('<|channel|>commentary', { tools, responseFormat: { type: 'json_object' } }).includes('<|message|>'));
  refuses(preamble);
  after(preamble, { preamble: true });
});

test('thoughts end when their tokens are spent, and none follow', () => {
  const [a, b, c] = nano.encode('one two three');
  const constraint = after('<|channel|>analysis<|message|>', { maxReasoningTokens: 3, tools });
  for (const id of [a!, b!, c!]) constraint.advance(id);
  assert.deepEqual([...allowed(constraint)], [nano.specials.get('<|end|>')]);
  for (const id of nano.encodeWithSpecials('<|end|><|start|>assistant<|channel|>')) constraint.advance(id);
  const first = new Set([...allowed(constraint)].map((id) => nano.decode([id])[0]));
  assert.deepEqual(first, new Set(['c', 'f']));
  for (const none of [{ maxReasoningTokens: 0 }, { analysis: 'forbidden' }] as const)
    refuses('<|channel|>analysis', none);
});

test('a call that must be made leaves no other way out', () => {
  const only = { tools, toolChoice: { name: 'read_file' } } as const;
  const thought = '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant';
  assert.ok(
    after(`${thought}<|channel|>commentary to=functions.read_file<|message|>{"city":"x"}<|call|>`, only).isOver,
  );
  refuses('<|channel|>final', only);
  refuses('<|channel|>commentary to=functions.read ', only);
  const python = { builtins: ['python'], toolChoice: 'required', maxReasoningTokens: 0 } as const;
  assert.ok(after('<|channel|>analysis to=python<|message|>1<|call|>', python).isOver);
});

test('the answer keeps to its format', () => {
  const json = { responseFormat: { type: 'json_object' } } as const;
  assert.ok(next('<|channel|>final<|message|>', json).every((text) => text.startsWith('{')));
  assert.deepEqual(next('<|channel|>final<|message|>{"a":[1]}', json), ['<|return|>']);
  const schema = { responseFormat: { type: 'json_schema', schema: city } } as const;
  refuses('<|channel|>final<|message|>{"town"', schema);
  assert.ok(after('<|channel|>final<|message|>{"city":"Oslo"}<|return|>', schema).isOver);
});

test('browser functions take JSON, python takes source', () => {
  const options = { builtins: ['browser', 'python'] };
  assert.ok(after('<|channel|>analysis to=browser.search code<|message|>{"query":"x"}<|call|>', options).isOver);
  assert.ok(after('<|channel|>analysis to=python<|message|>print(1)<|call|>', options).isOver);
  refuses('<|channel|>analysis to=browser ', options);
  refuses('<|channel|>commentary to=python', options);
});

test('control tokens without a place, padding and ids without bytes are allowed nowhere', () => {
  const o200k = o200kHarmony();
  const constraint = new TurnConstraints(o200k, 201_088).open();
  for (const id of o200k.encodeWithSpecials('<|channel|>final<|message|>Yes')) constraint.advance(id);
  const ids = allowed(constraint, 201_088);
  assert.deepEqual(
    [...ids].filter((id) => id >= 199_998),
    [200_002],
  );
  assert.equal(ids.size, 199_998 + 1);
});

test('wrong options are named', () => {
  const code = 'harmony/bad-constraint';
  for (const [options, message] of [
    [{ toolChoice: 'always' }, /toolChoice.*none, auto, required or \{name\}, got "always"/],
    [{ toolChoice: 'required' }, /no tools/],
    [{ tools, toolChoice: { name: 'write' } }, /"write": declared are read, read_file, patch/],
    [{ maxReasoningTokens: 1.5 }, /maxReasoningTokens.*1.5/],
    [{ builtins: ['perl'] }, /perl/],
    [{ tools: [{ name: 'a b' }] }, /tools/],
    [{ responseFormat: { type: 'xml' } }, /responseFormat/],
    [{ analysis: 'no' }, /analysis/],
    [{ effort: 'low' }, /effort/],
  ] as const) {
    const wrong = options as unknown as TurnConstraintOptions;
    assert.throws(() => constraints.open(wrong), { code, message });
    assert.throws(() => checkTurn(wrong), { code });
  }
});

test('a schema that cannot be held is refused when strict, and noted otherwise', () => {
  const parameters = { type: 'object', properties: { a: { type: 'string' } }, not: { required: ['b'] } };
  const strict = { tools: [{ name: 'f', parameters, strict: true }] };
  assert.throws(() => checkTurn(strict), { code: 'grammar/unsupported-schema' });
  assert.deepEqual(
    checkTurn({ tools: [{ name: 'f', parameters }] }).map(({ tool }) => tool),
    ['f'],
  );
  assert.deepEqual(checkTurn({ tools: [{ name: 'f', parameters, strict: false }] }), []);
});

test('random tokens under the mask make turns that need no repair', () => {
  let random = 1;
  const below = (n: number) => {
    random = (random * 48271) % 0x7fffffff;
    return random % n;
  };
  let ended = 0;
  for (let i = 0; i < 150; i++) {
    const builtins = i % 2 ? ['python', 'browser'] : [];
    const toolChoice = (['auto', 'none', 'required', { name: 'read' }] as const)[i % 4]!;
    const constraint = constraints.open({
      tools,
      builtins,
      toolChoice,
      ...(i % 3 ? { maxReasoningTokens: i % 7 } : {}),
    });
    const ids: number[] = [];
    while (!constraint.isOver && ids.length < 80) {
      const open = [...allowed(constraint)];
      const control = open.filter((id) => id >= 3063);
      const from = control.length > 0 && below(5) === 0 ? control : open;
      ids.push(from[below(from.length)]!);
      constraint.advance(ids.at(-1)!);
    }
    if (!constraint.isOver) continue;
    ended++;
    assert.deepEqual(recover(ids, nano, { tools, builtins }).repairs, [], nano.decode(ids));
  }
  assert.ok(ended > 50, `${ended} ended`);
});
