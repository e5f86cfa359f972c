import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { OssiaError } from '../base/index.ts';
import { type JsonNumber, type JsonObject, toPlainJson } from '../harmony/index.ts';
import { type DeclaredTool, readToolsFile } from './tools-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'ossia-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'tools.json');
const parameters = { type: 'object', properties: { city: { type: 'string' } } };

function toPlain({ parameters, ...rest }: DeclaredTool) {
  return { ...rest, parameters: toPlainJson(parameters) };
}

function read(content: unknown) {
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return readToolsFile(path);
}

test("plain declarations and both of OpenAI's forms declare the same functions", () => {
  const tool = { name: 'get_weather', description: 'Weather.', parameters };
  for (const form of [[tool], tool, { tools: [tool] }, [{ type: 'function', function: tool }]]) {
    assert.deepEqual(read(form).map(toPlain), [tool]);
  }
  assert.deepEqual(read([{ type: 'function', ...tool, strict: true }]).map(toPlain), [{ ...tool, strict: true }]);
  assert.deepEqual(read([{ name: 'now', parameters: null, strict: null }]), [{ name: 'now' }]);
});

test('what is no declaration is refused with the entry and what was found there', () => {
  for (const [content, found] of [
    ['{', /no valid JSON/],
    [[5], /entry 0 .*no object/],
    [[{ type: 'web_search' }], /entry 0 .*"web_search"/],
    [[{ name: 'a' }, { name: 'get weather' }], /entry 1 .*"get weather"/],
    [[{ name: 'a', description: 7 }], /"a".*description/],
    [[{ name: 'a', parameters: [] }], /"a".*parameters/],
  ] as const) {
    assert.throws(
      () => read(content),
      (error) => error instanceof OssiaError && found.test(error.message),
    );
  }
  assert.throws(() => readToolsFile(join(folder, 'absent.json')), /Cannot read tools from/);
});

test('a schema keeps its number texts and the order of its keys', () => {
  const schema = '{"properties":{"2":{"default":1.0},"1":{"maximum":1e3}}}';
  const [tool] = read(`[{"name":"f","parameters":${schema}}]`);
  const properties = (tool!.parameters as JsonObject).get('properties') as JsonObject;
  assert.deepEqual([...properties.keys()], ['2', '1']);
  assert.equal(((properties.get('2') as JsonObject).get('default') as JsonNumber).text, '1.0');
});
