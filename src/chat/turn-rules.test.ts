import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '../harmony/index.ts';
import { TurnRules } from './turn-rules.ts';
import type { ChatOptions } from './types.ts';

const parameters =
  '{"type": "object", "properties": {"n": {"type": "integer", "maximum": 7}}, "not": {"required": ["b"]}}';
const rules = new TurnRules();

test('a constraint is plain data, also when its schemas keep their number text', () => {
  const tools = [{ name: 'count', description: 'Counts.', parameters: parseJson(parameters) }];
  const { constraint } = rules.of({
    tools,
    toolChoice: 'required',
    maxReasoningTokens: 3,
    responseFormat: 'json_object',
  });
  assert.deepEqual(structuredClone(constraint), {
    tools: [{ name: 'count', parameters: JSON.parse(parameters) }],
    toolChoice: 'required',
    maxReasoningTokens: 3,
    responseFormat: { type: 'json_object' },
  });
  const schema = parseJson('{"type": "array"}');
  const { constraint: other } = rules.of({ responseFormat: { name: 'list', schema, strict: true } });
  assert.deepEqual(other?.responseFormat, { type: 'json_schema', schema: { type: 'array' }, strict: true });
});

test('what a schema asks for and is not held is noted, or refused when strict', () => {
  const tool = { name: 'count', parameters: parseJson(parameters) };
  const { notes } = rules.of({ tools: [tool] });
  assert.deepEqual(
    notes.map(({ tool, keyword }) => [tool, keyword]),
    [['count', 'not']],
  );
  assert.throws(() => rules.of({ tools: [{ ...tool, strict: true }] }), { code: 'grammar/unsupported-schema' });
});

test('without a constraint nothing is promised that only it can hold', () => {
  assert.deepEqual(rules.of({ constrain: false, responseFormat: 'json_object', toolChoice: 'auto' }), { notes: [] });
  for (const wrong of [
    { constrain: false, toolChoice: 'none' },
    { constrain: false, maxReasoningTokens: 0 },
    { constrain: 'no' },
    { toolChoice: 'any' },
    { maxReasoningTokens: -1 },
  ]) {
    assert.throws(() => rules.of(wrong as unknown as ChatOptions), { code: 'harmony/bad-constraint' });
  }
});
