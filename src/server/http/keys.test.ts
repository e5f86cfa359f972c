import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { appWith } from '../testing.ts';
import { apiKey, checkKey, keyLine, newKey, parseKeyFile } from './keys.ts';

const alice = 'ossia-alice';
const bob = 'ossia-bob';
const app = appWith([checkKey([apiKey(alice, 'alice'), apiKey(bob, 'bob')])]);

async function ask(headers: Record<string, string>, path = '/client') {
  const reply = await app.request(path, { headers });
  return { status: reply.status, text: await reply.text() };
}

test('a key opens the server as a bearer token or as x-api-key, and names its client', async () => {
  assert.deepEqual(await ask({ authorization: `Bearer ${alice}` }), { status: 200, text: 'alice' });
  assert.deepEqual(await ask({ authorization: `bearer  ${bob} ` }), { status: 200, text: 'bob' });
  assert.deepEqual(await ask({ 'x-api-key': bob }), { status: 200, text: 'bob' });
});

test('without a key, with a wrong one, or with another scheme, nothing opens', async () => {
  for (const headers of [
    {},
    { authorization: 'Bearer ' },
    { authorization: 'Bearer ossia-alic' },
    { authorization: `Basic ${alice}` },
    { 'x-api-key': `${alice}x` },
    { 'x-api-key': '' },
    { 'x-api-key': createHash('sha256').update(alice).digest('hex') },
  ] as Record<string, string>[]) {
    const { status, text } = await ask(headers);
    assert.equal(status, 401, JSON.stringify(headers));
    const { error } = JSON.parse(text);
    assert.deepEqual([error.code, error.type], ['invalid_api_key', 'authentication_error']);
  }
});

test('probes need no key; what looks like one does', async () => {
  for (const path of ['/health', '/ready', '/ping']) assert.equal((await ask({}, path)).status, 200);
  for (const path of ['/metrics', '/health/', '//health', '/v1/health', '/nowhere']) {
    assert.equal((await ask({}, path)).status, 401, path);
  }
});

test('a key file holds names and hashes, never keys', () => {
  const key = newKey();
  assert.match(key, /^ossia-[\w-]{43}$/);
  assert.notEqual(newKey(), key);
  const line = keyLine(apiKey(key, 'carol'));
  assert.equal(line, `carol:${createHash('sha256').update(key).digest('hex')}`);
  const keys = parseKeyFile(`# ours\n\n${line}\r\n  ${keyLine(apiKey('k', 'dave'))}  \n`, 'keys');
  assert.deepEqual(keys, [apiKey(key, 'carol'), apiKey('k', 'dave')]);
  for (const wrong of [key, 'carol', `carol:${key}`, `:${'0'.repeat(64)}`, `carol ${'0'.repeat(64)}`]) {
    assert.throws(() => parseKeyFile(`${line}\n${wrong}`, 'keys'), {
      code: 'server/bad-option',
      message: /line 2 of keys/,
    });
  }
});

test('a key without a name gets one that does not tell it', () => {
  assert.match(apiKey('secret').name, /^key-[0-9a-f]{8}$/);
});
