import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { repairs } from './recovery/repairs.ts';

const page = readFileSync(new URL('../../docs/reference/harmony.md', import.meta.url), 'utf8');

test('docs/reference/harmony.md shows every repair code with its meaning, in order', () => {
  const table = page.slice(page.indexOf('### Repairs'));
  const rows = [...table.matchAll(/^\| `([^`]+)` \| (.*) \|$/gm)].map(([, code, text]) => [
    code,
    text?.replaceAll('\\|', '|'),
  ]);
  assert.deepEqual(rows, Object.entries(repairs));
});
