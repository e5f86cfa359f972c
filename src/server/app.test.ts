import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OssiaError } from '../base/index.ts';
import { createApp, type RouteGroup } from './app.ts';
import { silent } from './log.ts';
import { appWith, emptyHost, errorOf, keepLog } from './testing.ts';

test('an error that nobody expected is logged in full and told to nobody', async () => {
  const log = keepLog();
  const reply = await appWith([], log).request('/crash', { headers: { 'x-request-id': 'mine' } });
  assert.deepEqual([reply.status, reply.headers.get('x-request-id')], [500, 'mine']);
  const error = await errorOf(reply);
  assert.deepEqual([error.type, error.code], ['server_error', 'internal_error']);
  assert.doesNotMatch(error.message, /secret/);
  const [line] = log.lines;
  assert.equal(line?.level, 'error');
  assert.match(String((line!.fields as { err: unknown }).err), /the secret inside/);
});

test('what was wrong with a request is not logged in its own words', async () => {
  const log = keepLog();
  const body = '{"prompt": "a very private text"';
  assert.equal((await appWith([], log).request('/json', { method: 'POST', body })).status, 400);
  assert.equal(log.lines.length, 1);
  assert.doesNotMatch(JSON.stringify(log.lines), /private/);
});

test('a full queue is no failure: it is warned of in a line, without a stack, and says when to try again', async () => {
  const log = keepLog();
  const busy: RouteGroup = {
    register: (app) => {
      app.get('/busy', () => {
        throw new OssiaError('engine/queue-full', 'Cannot take another request', {
          details: { retryAfterSeconds: 1.2 },
        });
      });
      app.get('/missing', () => {
        throw new OssiaError('api/unsupported', 'There is no thing');
      });
    },
  };
  const app = createApp({ host: emptyHost, turns: undefined as never, log, version: '1' }, [busy]);
  const busyReply = await app.request('/busy');
  assert.equal(busyReply.status, 503);
  const { headers } = busyReply;
  assert.deepEqual([headers.get('retry-after'), headers.get('retry-after-ms')], ['2', '1200']);
  assert.equal((await app.request('/missing')).status, 501);
  assert.deepEqual(
    log.lines.map(({ level, fields }) => [level, 'err' in fields]),
    [
      ['warn', false],
      ['debug', false],
    ],
  );
});

test('a group words the errors of its paths, guards’ included; 501 is not to be tried again', async () => {
  const group: RouteGroup = {
    register(app) {
      app.get('/odd/thing', () => {
        throw new OssiaError('api/unsupported', 'There is no thing');
      });
    },
    errors: { prefix: '/odd/', reply: () => ({ status: 501, body: { oops: true }, headers: { 'x-odd': '1' } }) },
  };
  const context = { host: emptyHost, turns: undefined as never, log: silent, version: '1' };
  const app = createApp(
    context,
    [group],
    [
      (c, next) => {
        if (c.req.path.endsWith('/locked')) throw new OssiaError('server/unauthorized', 'no');
        return next();
      },
    ],
  );
  const reply = await app.request('/odd/thing');
  assert.deepEqual([reply.headers.get('x-odd'), reply.headers.get('x-should-retry')], ['1', 'false']);
  assert.deepEqual(await reply.json(), { oops: true });
  assert.deepEqual(await (await app.request('/odd/locked')).json(), { oops: true });
  const elsewhere = await app.request('/locked');
  assert.deepEqual([elsewhere.status, elsewhere.headers.get('x-should-retry')], [401, null]);
  assert.equal((await errorOf(elsewhere)).code, 'invalid_api_key');
});
