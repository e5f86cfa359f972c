import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { appWith, errorOf } from '../testing.ts';
import { parse } from './body.ts';

const app = appWith([]);

function post(body: string) {
  return app.request('/json', { method: 'POST', body });
}

async function refusal(body: string) {
  const reply = await post(body);
  assert.equal(reply.status, 400);
  return await errorOf(reply);
}

test('what is no JSON is refused in words', async () => {
  for (const [body, words] of [
    ['', /empty/],
    ['  \n', /empty/],
    ['{"a":1', /not valid JSON/],
    ["{'a':1}", /not valid JSON/],
    ['{"a":1}}', /not valid JSON/],
    ['\u0000', /not valid JSON/],
  ] as const) {
    const { message, type } = await refusal(body);
    assert.match(message, words);
    assert.equal(type, 'invalid_request_error');
  }
});

test('what is not UTF-8 is refused, and not read as another text', async () => {
  const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0x63, 0x61, 0x66, 0xe9]), Buffer.from('"}')]);
  const reply = await app.request('/json', { method: 'POST', body });
  assert.equal(reply.status, 400);
  assert.match((await errorOf(reply)).message, /not UTF-8/);
  const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"a":"é"}')]);
  assert.equal((await app.request('/json', { method: 'POST', body: marked })).status, 200);
});

test('a compressed body is refused by what its headers say', async () => {
  const headers = { 'content-encoding': 'gzip' };
  const reply = await app.request('/json', { method: 'POST', body: gzipSync('{}'), headers });
  assert.equal(reply.status, 415);
  assert.match((await errorOf(reply)).message, /gzip/);
  const plain = { method: 'POST', body: '{}', headers: { 'content-encoding': 'identity' } };
  assert.equal((await app.request('/json', plain)).status, 200);
});

test('nesting is bounded; brackets in texts do not count', async () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  assert.equal((await post(nested(256))).status, 200);
  assert.match((await refusal(nested(257))).message, /nested deeper than 256/);
  assert.match((await refusal(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`)).message, /nested deeper/);
  assert.match((await refusal('['.repeat(1_000_000))).message, /nested deeper/);
  const behind = `["\\\\",${nested(300)}]`; // the backslash is escaped, so the text ends at the next quote
  assert.match((await refusal(behind)).message, /nested deeper/);
  const text = `\\"${'['.repeat(1000)}\\\\`;
  assert.deepEqual(await (await post(`{"a":"${text}","b":[{}]}`)).json(), { a: `"${'['.repeat(1000)}\\`, b: [{}] });
  assert.equal((await post(`[${'[1],'.repeat(1000)}[]]`)).status, 200);
});

test('looking for depth takes no longer than reading', () => {
  const started = performance.now();
  for (const text of ['"\\'.repeat(500_000), `"${'\\'.repeat(1_000_000)}`, `["${'\\"'.repeat(500_000)}"]`]) {
    try {
      parse(text);
    } catch {}
  }
  assert.ok(performance.now() - started < 5000);
});
