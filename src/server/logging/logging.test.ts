import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from './index.ts';
import { formatLine } from './pretty.ts';

const request = {
  requestId: 'req_1',
  client: 'alice',
  method: 'POST',
  path: '/v1/responses',
  status: 200,
  durationMs: 1244.4,
  model: 'gpt-oss:20b',
  promptTokens: 812,
  cachedTokens: 640,
  outputTokens: 203,
  firstTokenMs: 310.2,
  finish: 'stop',
};

function written(format: 'json' | 'pretty' | 'off', level: 'debug' | 'info' | 'warn' | 'error' = 'info') {
  let text = '';
  const log = createLogger({
    format,
    level,
    write: (piece) => {
      text += piece;
    },
  });
  log.debug({ a: 1 }, 'details');
  log.info(request, 'request');
  log.error({ requestId: 'req_2', err: new TypeError('inside') }, 'request failed');
  return text.trimEnd().split('\n');
}

test('for machines: one JSON object a line, with its level, an ISO time, the fields and the error', () => {
  const [info, error, ...more] = written('json').map((line) => JSON.parse(line));
  assert.deepEqual(more, []);
  assert.ok(!Number.isNaN(Date.parse(info.time)));
  const { time: _time, ...fields } = info;
  assert.deepEqual(fields, { level: 'info', ...request, msg: 'request' });
  assert.equal(error.level, 'error');
  assert.deepEqual([error.err.type, error.err.message], ['TypeError', 'inside']);
  assert.match(error.err.stack, /logging\.test/);
});

test('for people: one short line a request, and an error with its stack', () => {
  const noon = new Date(2026, 2, 1, 12, 0, 1);
  assert.equal(
    formatLine(noon, 'info', request, 'request'),
    '12:00:01 POST /v1/responses 200 in 1.24 s · gpt-oss:20b, 812 (640 cached) + 203 tokens, first after 310 ms, stop · alice req_1',
  );
  const { model: _m, ...plain } = { ...request, durationMs: 0.42, left: true };
  assert.equal(
    formatLine(noon, 'info', plain, 'request'),
    '12:00:01 POST /v1/responses 200 in 0.4 ms, the client left · alice req_1',
  );
  assert.equal(formatLine(noon, 'warn', { a: 'x', b: 2 }, 'mind'), '12:00:01 warning: mind a=x b=2');
  assert.match(
    written('pretty').slice(1).join('\n'),
    /error: request failed requestId=req_2\nTypeError: inside\n {4}at /,
  );
});

test('what a client chose to send cannot write lines of its own, or move the cursor of a terminal', () => {
  const path = '/v1/models/x\r\n12:00:01 POST /forged\u001b[2J\u009b1m\u202e';
  const line = formatLine(new Date(2026, 2, 1, 12, 0, 1), 'info', { ...request, path }, 'request');
  assert.match(line, /^[\w\s:/.·,()+\\[;-]+$/);
  assert.ok(line.includes('/x\\u000d\\u000a12:00:01 POST /forged\\u001b[2J\\u009b1m\\u202e 200'), line);
  assert.doesNotMatch(formatLine(new Date(), 'warn', { path }, 'refused'), /\p{Cc}/u);
  const err = new Error('about \u001b[2J');
  assert.doesNotMatch(formatLine(new Date(), 'error', { err }, 'failed').replaceAll('\n', ''), /\p{Cc}/u);
});

test('what is below the level is not written; off writes nothing', () => {
  assert.equal(written('json', 'debug').length, 3);
  assert.equal(written('json', 'error').length, 1);
  assert.match(written('pretty', 'debug')[0]!, /details a=1$/);
  assert.deepEqual(written('off', 'debug'), ['']);
});
