import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OssiaError } from '../base/index.ts';
import { checkIds, checkParams, describeRange, NUMBER_RULES, resolveParams } from './params.ts';
import type { GenerateParams } from './types.ts';

const VOCAB = 41;

/** As a caller without types could write it. */
const untyped = (params: unknown) => params as GenerateParams;

function refusal(params: unknown): OssiaError {
  try {
    checkParams(untyped(params), VOCAB);
  } catch (error) {
    assert.ok(error instanceof OssiaError);
    return error;
  }
  assert.fail(`accepted ${JSON.stringify(params)}`);
}

test('every numeric parameter refuses what is out of range, by name and showing what came', () => {
  for (const [name, rule] of Object.entries(NUMBER_RULES)) {
    const wrong: unknown[] = [Number.NaN, Infinity, -Infinity, '1', null, [], {}, true, 1n, rule.min - 1];
    if (rule.max !== Number.MAX_SAFE_INTEGER) wrong.push(rule.max + 0.5, rule.max + 1);
    else wrong.push(2 ** 53);
    if ('integer' in rule) wrong.push(rule.min + 0.5);
    if ('above' in rule) wrong.push(rule.min);
    for (const value of wrong) {
      const error = refusal({ [name]: value });
      assert.equal(error.code, 'engine/bad-parameter');
      assert.ok(error.message.startsWith(`Expected ${name} to be `), error.message);
      assert.equal(error.details.parameter, name);
    }
    const right: GenerateParams = { [name]: 'above' in rule ? rule.max : rule.min };
    checkParams(right, VOCAB);
  }
});

test('messages show strings apart from numbers, and cut what is long', () => {
  assert.equal(refusal({ topP: 1.5 }).message, 'Expected topP to be in (0, 1], got 1.5');
  assert.equal(refusal({ topP: '1' }).message, 'Expected topP to be in (0, 1], got "1"');
  assert.equal(refusal({ seed: -3 }).message, 'Expected seed to be an integer, 0 or more, got -3');
  assert.ok(refusal({ topP: 'x'.repeat(5000) }).message.length < 150);
});

test('ids outside the vocabulary are refused wherever they stand', () => {
  assert.match(refusal({ stopIds: [3, VOCAB] }).message, /stopIds\[1\] to be a token id from 0 to 40, got 41/);
  assert.match(refusal({ penaltyExempt: [0.5] }).message, /penaltyExempt\[0\]/);
  assert.match(refusal({ stopIds: 7 }).message, /Expected stopIds to be a list/);
  for (const key of ['41', '-1', '', ' 1', '1.5', '1e1', '0x3', 'NaN'])
    assert.match(refusal({ logitBias: { [key]: 1 } }).message, /keys of logitBias/);
  assert.match(refusal({ logitBias: { 4: 101 } }).message, /logitBias\[4\] to be in \[−100, 100\], got 101/);
  assert.match(refusal({ logitBias: [1, 2] }).message, /logitBias to map/);
  assert.throws(() => checkIds('ids', [0, 'a'], VOCAB), /ids\[1\] .* got "a"/);
});

test('a parameter with a name from elsewhere is refused instead of ignored', () => {
  assert.match(refusal({ top_p: 0.5 }).message, /Unknown parameter "top_p": known are .*topP/);
  assert.match(refusal({ toString: 1 }).message, /Unknown parameter "toString"/);
});

test('the caller wins over the model, the model over the table', () => {
  const resolved = resolveParams({ topK: 3 }, { topK: 9, temperature: 0, stopIds: [5] }, VOCAB);
  assert.deepEqual([resolved.topK, resolved.temperature, resolved.topP, resolved.stopIds], [3, 0, 1, [5]]);
  assert.equal('maxTokens' in resolved, false);
  const seeds = new Set(Array.from({ length: 7 }, () => resolveParams({}, {}, VOCAB).seed));
  assert.equal(seeds.size, 7);
});

test('whatever comes, validation either accepts or throws engine/bad-parameter', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...Object.keys(NUMBER_RULES), 'logitBias', 'stopIds', 'x'), fc.anything()),
      (params) => {
        try {
          checkParams(untyped(params), VOCAB);
        } catch (error) {
          assert.ok(error instanceof OssiaError && error.code === 'engine/bad-parameter', String(error));
        }
      },
    ),
  );
});

test('ranges read as people write them', () => {
  assert.equal(describeRange(NUMBER_RULES.topP), '(0, 1]');
  assert.equal(describeRange(NUMBER_RULES.topLogprobs), 'integer in [0, 20]');
  assert.equal(describeRange(NUMBER_RULES.maxTokens), 'integer, 1 or more');
  assert.equal(describeRange(NUMBER_RULES.presencePenalty), '[−2, 2]');
});
