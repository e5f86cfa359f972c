import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseJson } from '../harmony/index.ts';
import { readResponseFormat } from './format-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'ossia-format-'));
after(() => rmSync(folder, { recursive: true }));

function read(text: string) {
  const path = join(folder, 'format.json');
  writeFileSync(path, text);
  return readResponseFormat(path);
}

test('a response format is a schema, or one with a name as OpenAI wraps it', () => {
  const schema = parseJson('{"type":"array"}');
  assert.equal(readResponseFormat('json'), 'json_object');
  assert.deepEqual(read('{"type": "array"}'), { name: 'answer', schema });
  assert.deepEqual(read('{"name": "list", "schema": {"type": "array"}}'), { name: 'list', schema });
  const wrapped =
    '{"type": "json_schema", "json_schema": {"name": "l", "description": "d", "strict": true, "schema": {"type": "array"}}}';
  assert.deepEqual(read(wrapped), { name: 'l', schema, description: 'd', strict: true });
});

test('a file that is no schema is named', () => {
  for (const text of ['[]', '{', '7']) assert.throws(() => read(text), { code: 'cli/usage', message: /format\.json/ });
  assert.throws(() => readResponseFormat(join(folder, 'nowhere')), { code: 'cli/usage', message: /nowhere/ });
});
