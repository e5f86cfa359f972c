import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OssiaError } from '../../base/index.ts';
import { planTurn } from './options.ts';
import { compileTurn, SchemaCache } from './schemas.ts';

test('the schemas of a turn have a limit of time together', () => {
  const functions = Array.from({ length: 200 }, (_, i) => ({
    name: `f${i}`,
    parameters: { type: 'object', properties: { text: { type: 'string', pattern: `(a|b){${300 + i}}(a?){300}` } } },
  }));
  const plan = planTurn({ tools: functions.slice(0, 3) });
  assert.equal(compileTurn(plan, new SchemaCache()).functions.length, 3);
  assert.throws(
    () => compileTurn(planTurn({ tools: functions }), new SchemaCache(), 10),
    (error) =>
      error instanceof OssiaError && error.code === 'grammar/unsupported-schema' && /200 functions/.test(error.message),
  );
});
