import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptedModel } from '../../src/chat/testing.ts';
import { startServer } from '../../src/server/index.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { eventually } from '../support/eventually.ts';
import { RawConnection, rawPost } from '../support/raw-http.ts';
import { TestHost } from '../support/server.ts';

const tokenizer = await o200kHarmony();
const WORDS = 40;
const turn = `<|channel|>final<|message|>${' word'.repeat(WORDS)}<|return|>`;

/** A server whose turns take a while. */
async function slowServer(msPerToken: number) {
  const model = scriptedModel(tokenizer, [turn, turn, turn], { msPerToken });
  const host = new TestHost({ scripted: model });
  return { host, server: await startServer({ port: 0, host }) };
}

const body = { model: 'scripted', messages: [{ role: 'user', content: 'Go on' }] };

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string }; readonly finish_reason: string | null }[];
}

/** The chunks of a stream, which must be whole: each parses, the last one has a finish reason, `[DONE]` comes at the end. */
function wholeStream(received: string): { readonly text: string; readonly finish: string } {
  const data = [...received.matchAll(/^data: (.*)$/gm)].map(([, text]) => text!);
  assert.equal(data.pop(), '[DONE]');
  const chunks = data.map((text) => JSON.parse(text) as Chunk);
  const finish = chunks.map(({ choices }) => choices[0]?.finish_reason).find(Boolean);
  assert.ok(finish, 'no finish reason');
  assert.ok(received.trimEnd().endsWith('0'), 'the last chunk of the transfer is missing');
  return { finish, text: chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('') };
}

function startStream(url: string): RawConnection {
  return new RawConnection(url).write(rawPost('/v1/chat/completions', { ...body, stream: true }));
}

test('while a server drains, what runs comes to its own end, and what comes is sent away', async () => {
  const say = `<|channel|>analysis<|message|>${'Hm. '.repeat(2000)}`;
  const hurried = '<|end|><|start|>assistant<|channel|>final<|message|>Well then.<|return|>';
  const host = new TestHost({ scripted: scriptedModel(tokenizer, [{ say, hurried }], { msPerToken: 20 }) });
  const server = await startServer({ port: 0, host });
  const stream = startStream(server.url);
  const id = /"id":"(chatcmpl-\w+)"/.exec(await stream.until((text) => text.includes('Hm')))?.[1] ?? '';
  const closing = server.close({ drainMs: 600_000 });
  const refused = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers.get('retry-after')) >= 1);
  assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'server/draining');
  const ready = await fetch(`${server.url}/ready`);
  assert.deepEqual([ready.status, await ready.json()], [503, { status: 'not ready', reason: 'draining' }]);
  assert.equal((await fetch(`${server.url}/health`)).status, 200);
  const hurry = await fetch(`${server.url}/v1/chat/completions/${id}/answer_now`, { method: 'POST' });
  assert.equal(hurry.status, 200); // what runs can still be spoken to
  const { text, finish } = wholeStream(await stream.untilClosed());
  assert.deepEqual([text, finish], ['Well then.', 'stop']);
  await closing;
  assert.equal(host.leases, 0);
  await assert.rejects(fetch(`${server.url}/health`));
});

test('when the time is over, turns end with what there is: a whole stream, a whole reply', async () => {
  const { server, host } = await slowServer(500);
  const stream = startStream(server.url);
  await stream.until((text) => text.includes('word'));
  const reply = fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) });
  await eventually('both run', () => server.turns.size === 2);
  await server.close({ drainMs: 100 });
  const { text } = wholeStream(await stream.untilClosed());
  assert.ok(text.startsWith(' word') && text.length < ' word'.length * WORDS, text);
  const whole = await reply;
  assert.equal(whole.status, 200);
  assert.ok('choices' in ((await whole.json()) as object));
  assert.deepEqual([server.turns.size, host.leases], [0, 0]);
});

test('an idle server is closed at once, open connections and all', async () => {
  const { server } = await slowServer(0);
  const idle = new RawConnection(server.url).write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  assert.equal((await idle.reply()).status, 200);
  const started = performance.now();
  await server.close({ drainMs: 60_000 });
  assert.ok(performance.now() - started < 10_000);
  await idle.untilClosed();
});

test('a request that runs out of time ends with what there is', async () => {
  const model = scriptedModel(tokenizer, [turn], { msPerToken: 100 });
  const server = await startServer({ port: 0, host: new TestHost({ scripted: model }), requestTimeoutMs: 1000 });
  try {
    const stream = startStream(server.url);
    const { text } = wholeStream(
      await stream.until((received) => received.includes('[DONE]') && received.endsWith('0\r\n\r\n')),
    );
    assert.ok(text.length < ' word'.length * WORDS);
    assert.equal(server.turns.size, 0);
  } finally {
    await server.close();
  }
});
