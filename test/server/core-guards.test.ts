import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { scriptedModel } from '../../src/chat/testing.ts';
import { apiKey, type ServeOptions, startServer } from '../../src/server/index.ts';
import { keepLog } from '../../src/server/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { eventually } from '../support/eventually.ts';
import { RawConnection } from '../support/raw-http.ts';
import { closeNano, nano, TestHost } from '../support/server.ts';

after(closeNano);

async function withServer(options: ServeOptions, use: (url: string) => Promise<void>): Promise<void> {
  const server = await startServer({ port: 0, host: new TestHost({ 'ossia-nano': await nano() }), ...options });
  try {
    await use(server.url);
  } finally {
    await server.close();
  }
}

const chat = { model: 'ossia-nano', messages: [{ role: 'user', content: 'a very private question' }], max_tokens: 200 };

function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
}

test('a server with keys asks every API for one, and tells its formats apart in refusing', async () => {
  await withServer({ apiKeys: [apiKey('k1', 'alice'), 'k2'] }, async (url) => {
    for (const path of [
      '/v1/models',
      '/v1/chat/completions',
      '/api/tags',
      '/metrics',
      '/openapi.json',
      '/',
      '/nowhere',
    ]) {
      const reply = await fetch(url + path);
      assert.equal(reply.status, 401, path);
      await reply.arrayBuffer();
    }
    assert.equal(typeof ((await (await fetch(`${url}/api/tags`)).json()) as { error: unknown }).error, 'string');
    const anthropic = (await (await fetch(`${url}/v1/messages`, { method: 'POST' })).json()) as { type: string };
    assert.equal(anthropic.type, 'error');
    assert.equal((await fetch(`${url}/health`)).status, 200);
    assert.equal((await post(url, chat, { authorization: 'Bearer k1' })).status, 200);
    assert.equal((await post(url, chat, { 'x-api-key': 'k2' })).status, 200);
  });
});

test('the log has one line a request, with its turn and never its words', async () => {
  const log = keepLog();
  await withServer({ log, apiKeys: [apiKey('k1', 'alice')] }, async (url) => {
    const reply = await post(url, { ...chat, stream: true }, { authorization: 'Bearer k1', 'x-request-id': 'trace-1' });
    await reply.text();
    await (await post(url, { ...chat, messages: 'a very private mistake' }, { authorization: 'Bearer k1' })).text();
    await (await fetch(`${url}/health`)).text();
    await eventually(
      'three requests are logged',
      () => log.lines.filter(({ message }) => message === 'request').length === 3,
    );
  });
  const [first, second, probe] = log.lines.filter(({ message }) => message === 'request');
  const { durationMs, firstTokenMs, promptTokens, outputTokens, cachedTokens, ...rest } = first!.fields as Record<
    string,
    number
  >;
  for (const number of [durationMs, firstTokenMs, promptTokens, outputTokens]) assert.ok(Number(number) > 0);
  assert.ok(Number(cachedTokens) < Number(promptTokens));
  assert.deepEqual(rest, {
    requestId: 'trace-1',
    client: 'alice',
    method: 'POST',
    path: '/v1/chat/completions',
    status: 200,
    model: 'ossia-nano',
    turns: 1,
    finish: 'stop',
  });
  assert.equal((second!.fields as { status: number }).status, 400);
  assert.equal(probe!.level, 'debug');
  assert.doesNotMatch(JSON.stringify(log.lines), /private/);
});

test('what a server does can be scraped, by the names of vLLM', async () => {
  await withServer({}, async (url) => {
    const scrape = async () => (await fetch(`${url}/metrics`)).text();
    await (await post(url, chat)).text();
    await (await post(url, { ...chat, stream: true })).text();
    await (await fetch(`${url}/v1/nowhere/x`)).text();
    let text = '';
    await eventually('requests are counted', async () => {
      text = await scrape();
      return /route="\/v1\/chat\/completions",status="200"\} 2/.test(text);
    });
    const value = (series: string) => {
      const line = text.split('\n').find((line) => line.startsWith(`${series} `));
      assert.ok(line, `${series} is missing`);
      return Number(line.slice(series.length));
    };
    const model = '{model_name="ossia-nano"}';
    assert.equal(value('vllm:request_success_total{model_name="ossia-nano",finished_reason="stop"}'), 2);
    for (const name of [
      'time_to_first_token',
      'e2e_request_latency',
      'request_queue_time',
      'request_prefill_time',
      'request_decode_time',
    ]) {
      assert.equal(value(`vllm:${name}_seconds_count${model}`), 2, name);
    }
    const [prompt, generated] = [
      value(`vllm:prompt_tokens_total${model}`),
      value(`vllm:generation_tokens_total${model}`),
    ];
    assert.equal(value(`vllm:request_prompt_tokens_sum${model}`), prompt);
    assert.equal(value(`vllm:request_generation_tokens_sum${model}`), generated);
    assert.ok(prompt > 100 && generated > 10);
    assert.ok(value(`vllm:inter_token_latency_seconds_count${model}`) > 10);
    assert.equal(value(`ossia:repairs_total${model}`), 0);
    assert.ok(value(`ossia:cached_tokens_total${model}`) > 0);
    assert.equal(value(`vllm:num_requests_running${model}`), 0);
    assert.equal(value(`vllm:kv_cache_usage_perc${model}`), 0);
    assert.ok(value(`ossia:prefix_cache_blocks${model}`) > 0);
    assert.ok(value(`vllm:prefix_cache_hits_total${model}`) <= value(`vllm:prefix_cache_queries_total${model}`));
    const [drafts, drafted, accepted] = ['drafts', 'draft_tokens', 'accepted_tokens'].map((what) =>
      value(`vllm:spec_decode_num_${what}_total${model}`),
    );
    assert.ok(accepted! <= drafted! && drafts! <= drafted!);
    assert.ok(value(`ossia:forced_tokens_total${model}`) + value(`ossia:sampled_tokens_total${model}`) >= generated);
    assert.equal(value('ossia:models_loaded'), 1);
    assert.equal(value('ossia:turns_running{model_name="ossia-nano",api="chat"}'), 0);
    assert.equal(value('ossia:http_requests_total{method="GET",route="unknown",status="404"}'), 1);
    assert.ok(value('process_resident_memory_bytes') > 1e6);
    for (const line of text.split('\n')) {
      assert.match(line, /^(?:|# (?:HELP|TYPE) \S+ .+|[a-z_:][\w:]*(?:\{(?:[a-z_]+="[^"]*",?)+\})? \S+)$/i);
    }
  });
});

test('who leaves is counted among the cancelled', async () => {
  await withServer({}, async (url) => {
    const leaving = new AbortController();
    const reply = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      signal: leaving.signal,
      body: JSON.stringify({ ...chat, max_tokens: 3000, ignore_eos: true, stream: true }),
    });
    await reply.body!.getReader().read();
    leaving.abort();
    await eventually('the turn is over', async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return (
        text.includes('ossia:turns_cancelled_total{model_name="ossia-nano"} 1') &&
        text.includes('finished_reason="abort"} 1') &&
        text.includes('ossia:turns_running{model_name="ossia-nano",api="chat"} 0') &&
        text.includes('ossia:http_requests_abandoned_total{route="/v1/chat/completions"} 1')
      );
    });
  });
});

test('connections beyond the limit are told so, and those within are served', async () => {
  await withServer({ maxConnections: 2 }, async (url) => {
    const say = (connection: RawConnection) =>
      connection.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n').reply();
    const [first, second, third] = [new RawConnection(url), new RawConnection(url), new RawConnection(url)];
    assert.deepEqual([(await say(first)).status, (await say(second)).status], [200, 200]);
    const refused = await say(third);
    assert.deepEqual([refused.status, refused.headers.connection], [429, 'close']);
    assert.match(refused.body, /too many connections/);
    first.destroy();
    await eventually('there is room again', async () => (await say(new RawConnection(url))).status === 200);
    assert.equal((await say(second)).status, 200);
    second.destroy();
  });
});

test('a request within a request passes the guards once, and keeps its id and client', async () => {
  const log = keepLog();
  await withServer({ log, apiKeys: [apiKey('k1', 'alice')] }, async (url) => {
    for (const body of [chat, { prompt: 'Hello', max_tokens: 5 }, { input: 'Hello', store: false }]) {
      const headers = { 'x-api-key': 'k1', 'x-request-id': 'outer' };
      const reply = await fetch(`${url}/invocations`, { method: 'POST', headers, body: JSON.stringify(body) });
      assert.deepEqual([reply.status, reply.headers.get('x-request-id')], [200, 'outer'], await reply.text());
    }
    const none = await fetch(`${url}/invocations`, {
      method: 'POST',
      headers: { 'x-api-key': 'k1' },
      body: '{"text":1}',
    });
    assert.equal(none.status, 400);
    await eventually('all are logged', () => log.lines.length >= 4);
  });
  const requests = log.lines.filter(({ message }) => message === 'request').map(({ fields }) => fields);
  assert.equal(requests.length, 4);
  for (const fields of requests) assert.equal((fields as { path: string }).path, '/invocations');
});

test('a turn that thinks is told to answer now; one that does not run is not found', async () => {
  const say = `<|channel|>analysis<|message|>${'Hm. '.repeat(1000)}`;
  const hurried = '<|end|><|start|>assistant<|channel|>final<|message|>Well then.<|return|>';
  const script = { say, hurried };
  const model = scriptedModel(await o200kHarmony(), [script, script], { msPerToken: 20 });
  await withServer({ host: new TestHost({ scripted: model }) }, async (url) => {
    for (const [path, body] of [
      ['/v1/chat/completions', { ...chat, model: 'scripted' }],
      ['/v1/responses', { model: 'scripted', input: 'Well?', store: false }],
    ] as const) {
      const reply = await fetch(url + path, { method: 'POST', body: JSON.stringify({ ...body, stream: true }) });
      let text = '';
      let id: string | undefined;
      for await (const piece of reply.body!.pipeThrough(new TextDecoderStream())) {
        text += piece;
        if (id !== undefined || !text.includes('Hm')) continue;
        id = /"id":"((?:chatcmpl-|resp_)\w+)"/.exec(text)?.[1];
        const told = await fetch(`${url}${path}/${id}/answer_now`, { method: 'POST' });
        assert.deepEqual([told.status, await told.json()], [200, { id, answer_now: true }]);
      }
      assert.match(text, /Well/);
      const late = await fetch(`${url}${path}/${id}/answer_now`, { method: 'POST' });
      assert.equal(late.status, 404);
      assert.equal(((await late.json()) as { error: { code: string } }).error.code, 'api/not-found');
    }
  });
});

const hasOpenSsl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

test('a server with a certificate speaks HTTPS', {
  skip: hasOpenSsl ? false : 'openssl is not installed',
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ossia-tls-'));
  const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  try {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', keyFile, '-out', certFile, ...subject], {
      stdio: 'ignore',
    });
    await withServer({ tls: { keyFile, certFile }, maxConnections: 1 }, async (url) => {
      assert.match(url, /^https:/);
      const status = await new Promise((resolve, reject) => {
        httpsRequest(`${url}/health`, { rejectUnauthorized: false, agent: false }, (reply) => {
          reply.resume();
          resolve(reply.statusCode);
        })
          .on('error', reject)
          .end();
      });
      assert.equal(status, 200);
    });
    const wrong = startServer({ port: 0, host: new TestHost({}), tls: { keyFile: certFile, certFile } });
    await assert.rejects(wrong, { code: 'server/bad-option' });
    const missing = startServer({ port: 0, host: new TestHost({}), tls: { keyFile: join(directory, 'no'), certFile } });
    await assert.rejects(missing, { code: 'server/bad-option' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a port that is taken, a host that is not ours and a model that is not there say so, and nothing stays open', async () => {
  await withServer({}, async (url) => {
    const port = Number(new URL(url).port);
    const taken = { code: 'server/cannot-listen', message: /EADDRINUSE/ };
    await assert.rejects(startServer({ port, host: new TestHost({}) }), taken);
  });
  await assert.rejects(startServer({ port: 0, hostname: '203.0.113.1', host: new TestHost({}) }), {
    code: 'server/cannot-listen',
  });
  await assert.rejects(startServer({ port: 0, model: '/nowhere/at/all' }));
});
