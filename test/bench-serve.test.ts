import assert from 'node:assert/strict';
import { Agent, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, test } from 'node:test';
import { Random } from '../bench/fuzz/random.ts';
import { askLibrary } from '../bench/serve/library.ts';
import { gaps, percentiles, runStreams } from '../bench/serve/load.ts';
import { wordsOf } from '../bench/serve/prompts.ts';
import { type Arrivals, askServer, type Question } from '../bench/serve/stream.ts';
import { formatLoads, formatRows } from '../bench/serve/table.ts';
import { exchange } from '../bench/soak/exchange.ts';
import { formats, promptOf } from '../bench/soak/formats.ts';
import { hostileAsk, rawAttack, strayAsk } from '../bench/soak/hostile.ts';
import { readMetrics, trendOf } from '../bench/soak/monitor.ts';
import { Tally } from '../bench/soak/tally.ts';
import { closeNano, nano, testServer } from './support/server.ts';

const server = await testServer();
const agent = new Agent({ keepAlive: true });
after(async () => {
  agent.destroy();
  await server.close();
  await closeNano();
});

test('percentiles are values that were measured', () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i);
  assert.deepEqual(percentiles(values), { p50: 100, p95: 190, p99: 198 });
  assert.deepEqual(percentiles([7]), { p50: 7, p95: 7, p99: 7 });
  assert.throws(() => percentiles([]), RangeError);
  assert.deepEqual(gaps([1, 4, 6]), [3, 2]);
});

test('streams side by side ask all questions once, and no more than so many at a time', async () => {
  let running = 0;
  let most = 0;
  const asked: string[] = [];
  const questions = Array.from({ length: 9 }, (_, i): Question => ({ prompt: `q${i}`, tokens: 2, seed: i }));
  const result = await runStreams(4, questions, async ({ prompt }): Promise<Arrivals> => {
    asked.push(prompt);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    const at = Number(prompt.slice(1)) * 1000;
    return {
      sent: at,
      pieces: [at + 100, at + 150],
      ended: at + 200,
      promptTokens: 3,
      cachedTokens: 0,
      outputTokens: 2,
    };
  });
  assert.deepEqual(
    asked.toSorted(),
    questions.map(({ prompt }) => prompt),
  );
  assert.equal(most, 4);
  assert.deepEqual([result.requests, result.outputTokens, result.promptTokens], [9, 18, 27]);
  assert.equal(result.tokensPerSecond, (18 / 8150) * 1000);
  assert.deepEqual([result.firstToken.p50, result.betweenTokens.p50, result.endToEnd.p50], [100, 50, 200]);
  assert.match(formatLoads([result]), /\n +4 +9 +2\.2 +100 \/ 100 \/ 100 +50\.0 \/ /);
});

test('the server and the library are asked for the same, and answer so many tokens', async () => {
  const question = { prompt: wordsOf(3, 20), tokens: 24, seed: 11 };
  const overHttp = await askServer(server.url, agent, question);
  const inLibrary = await askLibrary(await nano(), question, 'test');
  for (const answer of [overHttp, inLibrary]) {
    assert.equal(answer.outputTokens, 24);
    assert.ok(answer.pieces.length > 12 && answer.pieces.length <= 24, String(answer.pieces.length));
    assert.ok(answer.sent <= answer.pieces[0]! && answer.pieces.at(-1)! <= answer.ended);
  }
  assert.equal(overHttp.promptTokens, inLibrary.promptTokens);
  assert.equal(overHttp.pieces.length, inLibrary.pieces.length);
  await assert.rejects(askServer(server.url, agent, { ...question, tokens: -1 }), /400/);
  assert.equal(formatRows({ memory: undefined }), '');
});

test('each format knows its whole replies from cut ones', async () => {
  for (const format of formats) {
    for (const stream of [true, false]) {
      const random = new Random(2);
      const ask = format.ask({ prompt: 'What can you do?', tokens: 64, stream, random });
      const { status, text, end } = await exchange(server.url, agent, ask);
      assert.deepEqual([status, end], [200, 'whole'], `${format.name}: ${text}`);
      assert.ok(format.isWhole(text, stream), `${format.name}: ${text.slice(-300)}`);
      assert.ok(!format.isWhole(text.slice(0, text.length >> 1), stream), format.name);
    }
  }
});

test('an exchange tells how it ended', async (t) => {
  const lame = createServer((request, response) => {
    if (request.url === '/cut')
      response.writeHead(200, { 'content-length': 100 }).write('half', () => response.destroy());
    else if (request.url === '/drip') setInterval(() => response.write('x'.repeat(100)), 5).unref();
    else response.writeHead(503).end('busy');
  });
  await new Promise<void>((resolve) => lame.listen(0, '127.0.0.1', resolve));
  t.after(() => lame.closeAllConnections());
  t.after(() => lame.close());
  const url = `http://127.0.0.1:${(lame.address() as AddressInfo).port}`;
  const own = new Agent();
  assert.deepEqual(await exchange(url, own, { path: '/' }), { status: 503, text: 'busy', end: 'whole' });
  const cut = await exchange(url, own, { path: '/cut' });
  assert.deepEqual([cut.status, cut.end, cut.text], [200, 'broken', 'half']);
  const left = await exchange(url, own, { path: '/drip', leaveAfterBytes: 250, pauseMs: 1 });
  assert.ok(left.end === 'left' && left.text.length >= 250);
  assert.equal((await exchange(url, own, { path: '/drip', leaveAfterMs: 30 })).end, 'left');
  lame.close();
  lame.closeAllConnections();
  assert.deepEqual((await exchange(url, own, { path: '/' })).status, 0);
});

test('hostile requests are refused in words, and the server still answers', async () => {
  for (let seed = 0; seed < 150; seed++) {
    const random = new Random(seed);
    const ask = seed % 3 === 0 ? strayAsk(random) : hostileAsk(random);
    const { status, end, text } = await exchange(server.url, new Agent(), ask);
    assert.ok(
      end === 'whole' && status >= 200 && (status < 500 || status === 501),
      `${seed}: ${status} ${end} ${text.slice(0, 300)}`,
    );
  }
  for (let seed = 0; seed < 9; seed++) await rawAttack(server.url, new Random(seed));
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.destroy();
  assert.equal((await exchange(server.url, agent, { path: '/v1/models' })).status, 200);
  assert.equal(promptOf(new Random(1)), promptOf(new Random(1)));
});

test('metrics are read by name, and memory is flat or not', () => {
  const text =
    '# HELP a:b x\n# TYPE a:b gauge\na:b{model="x y",le="+Inf"} 2\na:b{model="z"} 3.5\nc 1e+3\nnot a metric\n';
  assert.deepEqual(
    [...readMetrics(text)],
    [
      ['a:b', 5.5],
      ['c', 1000],
    ],
  );
  const series = (count: number, own: (i: number) => number) =>
    Array.from({ length: count }, (_, i) => ({ seconds: 6 * i, own: own(i) }));
  assert.equal(trendOf(series(20, () => 1)), undefined);
  assert.equal(trendOf(series(60, (i) => 200e6 + (i % 7) * 10e6))?.flat, true);
  assert.equal(trendOf(series(60, (i) => 200e6 + i * 2e6))?.flat, false);
  assert.equal(trendOf(series(60, (i) => (i < 15 ? i * 20e6 : 300e6)))?.flat, true, 'it warms up');
});

test('a tally counts, and keeps what failed', () => {
  const tally = new Tally();
  for (const verdict of ['answered', 'answered', 'refused 503', 'FAILED with 500: oops']) tally.add('chat', verdict);
  assert.deepEqual(tally.lines(), ['chat  2 answered, 1 refused 503, 1 FAILED', '  chat: FAILED with 500: oops']);
  assert.deepEqual([tally.requests, tally.failures.length], [4, 1]);
});
