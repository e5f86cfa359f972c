import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toFunctions } from './functions.ts';

test('schemas that take long to compile are left away once they have taken enough', () => {
  const listed = Array.from({ length: 50 }, (_, i) => ({
    name: `f${i}`,
    inputSchema: {
      type: 'object' as const,
      properties: { text: { type: 'string', pattern: `(a|b){${300 + i}}(a?){300}` } },
    },
  }));
  const lines: string[] = [];
  const functions = toFunctions(listed, (line) => lines.push(line), 1);
  assert.equal(functions.length, 50);
  assert.ok(functions[0]?.parameters !== undefined && functions[49]?.parameters === undefined);
  assert.match(lines.at(-1)!, /f49 is left away: those before it took too long/);
});
