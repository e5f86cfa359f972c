import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BIAS_RULE, describeRange, NUMBER_RULES, type NumberRule } from '../src/engine/index.ts';

test('docs/reference/sampling.md has the parameters, ranges and defaults of the code', () => {
  const page = readFileSync(new URL('../docs/reference/sampling.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$/gm)].map(
    ([, name, range, fallback]) => [name, range, fallback],
  );
  const words = { maxTokens: 'what the context leaves', seed: 'drawn at random' };
  const expected = Object.entries<NumberRule>(NUMBER_RULES).map(([name, rule]) => [
    name,
    describeRange(rule),
    String(rule.fallback ?? words[name as keyof typeof words]),
  ]);
  assert.deepEqual(rows, [...expected, ['logitBias', describeRange(BIAS_RULE), 'none']]);
});
