import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { scriptedModel } from '../../src/chat/testing.ts';
import { type RunningServer, startServer } from '../../src/server/index.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { rawPost } from '../support/raw-http.ts';
import { TestHost } from '../support/server.ts';

const TOKENS = 120_000;

let server: RunningServer;
before(async () => {
  const tokenizer = await o200kHarmony();
  const [header, word, end] = [
    tokenizer.encodeWithSpecials('<|channel|>final<|message|>'),
    tokenizer.encodeWithSpecials(' word'),
    tokenizer.encodeWithSpecials('<|return|>'),
  ];
  const turn = [...header, ...Array.from({ length: TOKENS }, () => word[0]!), ...end];
  const model = scriptedModel(tokenizer, [turn, turn], { contextLength: 2 * TOKENS });
  server = await startServer({ port: 0, host: new TestHost({ scripted: model }) });
});
after(() => server.close());

/** Pieces of answers that have been taken from the model so far. */
async function taken(): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/vllm:inter_token_latency_seconds_count\{[^}]*\} (\d+)/.exec(text)?.[1] ?? 0);
}

async function untilStill(): Promise<number> {
  const deadline = Date.now() + 30_000;
  for (let before = -1, now = await taken(); ; [before, now] = [now, await taken()]) {
    if (before === now && now > 0) return now;
    assert.ok(Date.now() < deadline, 'the stream goes on, though nobody reads it');
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

test('nothing is written for who does not read; who reads again misses nothing', async () => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.pause();
  const body = { model: 'scripted', messages: [{ role: 'user', content: 'Go on' }], stream: true };
  socket.write(rawPost('/v1/chat/completions', body, { connection: 'close' }));
  const memory = process.memoryUsage().rss;
  const held = await untilStill();
  // What fits into the buffers of two sockets, some megabytes at most.
  assert.ok(held < TOKENS / 4, `${held} pieces of ${TOKENS} went out`);
  assert.ok(process.memoryUsage().rss - memory < 200e6);
  let words = 0;
  let rest = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.includes('" word"')) words++;
  });
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
  assert.equal(words, TOKENS);
});

test('who never reads and goes leaves nothing behind', async () => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.pause();
  const before = await taken();
  const body = { model: 'scripted', messages: [{ role: 'user', content: 'Go on' }], stream: true };
  socket.write(rawPost('/v1/chat/completions', body));
  while ((await taken()) === before) await new Promise((resolve) => setTimeout(resolve, 20));
  await untilStill();
  assert.equal(server.turns.size, 1);
  socket.destroy();
  for (const deadline = Date.now() + 20_000; server.turns.size > 0; ) {
    assert.ok(Date.now() < deadline, 'the turn goes on without its reader');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});
