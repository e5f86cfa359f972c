import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ollama } from '../../src/api/index.ts';
import { OssiaError } from '../../src/base/index.ts';
import { eventually } from '../support/eventually.ts';
import {
  ask,
  call,
  model,
  post,
  refused,
  say,
  scripted,
  server,
  streamed,
  until,
  useServer,
  weather,
  whole,
} from '../support/ollama-requests.ts';

useServer();

test('images are refused in messages', async () => {
  const messages = [{ role: 'user', content: 'What is this?', images: ['aGk='] }];
  assert.match(await refused('chat', { model, messages }, 400), /messages\[0\]\.images: gpt-oss reads text only/);
});

test('what is missing or wrong is named, and nothing is opened by a hostile name', async () => {
  for (const name of ['nope', '../../etc/passwd', '/etc/passwd', './test', 'file:///etc/passwd', 'a\u0000b']) {
    const expected = `model "${name}" not found, try pulling it first`;
    assert.equal(await refused('chat', { ...ask('Hi'), model: name }, 404), expected);
    assert.equal(await refused('show', { model: name }, 404), expected);
    assert.equal(await refused('generate', { model: name, prompt: 'Hi' }, 404), expected);
  }
  assert.ok((await refused('chat', { ...ask('Hi'), model: 'x'.repeat(10_000) }, 404)).length < 400);
  assert.match(await refused('chat', { messages: [] }, 400), /model is required/);
  assert.match(await refused('chat', '', 400), /body is empty/);
  assert.match(await refused('chat', '{"model"', 400), /not valid JSON/);
  assert.match(
    await refused('chat', { model, messages: [{ role: 'wizard', content: '' }] }, 400),
    /messages\[0\]\.role/,
  );
  const begun = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Well,' },
  ];
  assert.match(await refused('chat', { model, messages: begun }, 400), /messages: the last one is the assistant's/);
  assert.match(await refused('chat', ask('Hi', { options: { top_p: 7 } }), 400), /options\.top_p/);
  assert.match(await refused('chat', ask('Hi', { options: { mirostat: 2 } }), 400), /mirostat/);
  assert.match(await refused('chat', ask('Hi', { tools: [{ function: {} }] }), 400), /tools\[0\]\.function\.name/);
  assert.match(
    await refused('chat', { model, messages: [{ role: 'tool', content: '1' }] }, 400),
    /messages\[0\]: cannot tell/,
  );
});

test('what Ollama has and this server does not is said clearly', async () => {
  assert.match(await refused('embed', { model, input: 'Hi' }, 501), /no embeddings/);
  assert.match(await refused('embeddings', { model, prompt: 'Hi' }, 501), /no embeddings/);
  assert.match(await refused('push', { model }, 501), /publishes no models/);
  assert.match(await refused('blobs/sha256:00', 'bytes', 501), /uploads/);
  assert.equal((await fetch(`${server.url}/api/blobs/sha256:00`, { method: 'HEAD' })).status, 404);
  assert.equal((await fetch(`${server.url}/api/tags`, { method: 'HEAD' })).status, 200);
});

test('an error in the middle of a stream is its last line', async () => {
  await scripted([new TypeError('secret'), new TypeError('secret')], async (to) => {
    const error = await refused('chat', { ...ask('Hi'), stream: false }, 500, to);
    assert.doesNotMatch(error, /secret/);
  });
  await scripted([say(`Hello${' there'.repeat(40)}`)], async (to, { engine }) => {
    const submit = engine.submit.bind(engine);
    engine.submit = async function* (...request) {
      let count = 0;
      for await (const event of submit(...request)) {
        if (++count === 20) throw new OssiaError('engine/crashed', 'Cannot go on: the engine has crashed');
        yield event;
      }
    };
    const { content, error, last } = await streamed(ask('Hi'), { to });
    assert.match(content, /^Hello there/);
    assert.match(error ?? '', /the engine has crashed/);
    assert.equal(last, undefined);
  });
});

test('a turn that the server ends is an error when its time is over, and cancelled when it is stopped', async () => {
  const endless = `<|channel|>final<|message|>${'and on '.repeat(3000)}`;
  const script = Array.from({ length: 4 }, () => endless);
  await scripted(
    script,
    async (to) => {
      const state = ollama.ollamaState(to);
      for (const stream of [true, false]) {
        const timeout = new AbortController();
        const late = new OssiaError('server/timeout', 'Cannot answer in 1 s');
        setTimeout(() => timeout.abort(late), 50);
        const body = ollama.chatSchema.parse(ask('Hi', { stream }));
        const reply = ollama.chat(body, state, { id: 'req_1', client: 'me', signal: timeout.signal });
        if (!stream) {
          await assert.rejects(reply, { code: 'server/timeout' });
          continue;
        }
        const lines: unknown[] = [];
        const { lines: items } = (await reply) as unknown as { lines: AsyncIterable<unknown> };
        for await (const line of items) lines.push(line);
        assert.match(JSON.stringify(lines.at(-1)), /^\{"error":"Cannot answer in 1 s/);
      }
      for (const stream of [true, false]) {
        const stopping = eventually('a turn runs', () => to.turns.size === 1).then(async () => {
          await sleep(50);
          to.turns.stopAll();
        });
        const answer = stream ? await streamed(ask('Hi'), { to }) : await whole(ask('Hi'), { to });
        await stopping;
        assert.equal(answer.last?.done_reason, 'cancelled');
        assert.match(answer.content, /^and on/);
      }
    },
    { msPerToken: 2 },
  );
});

test('arguments that are no object end the turn with an error, and are not made up', async () => {
  await scripted([call('get_weather', '[1,2]'), call('get_weather', '[1,2]')], async (to) => {
    const request = ask('Weather?', { tools: [weather] });
    assert.match((await streamed(request, { to })).error ?? '', /arguments are no JSON object/);
    assert.ok((await post('chat', { ...request, stream: false }, to)).response.status >= 500);
  });
});

test('a client that leaves ends its turn', async () => {
  const endless = `<|channel|>final<|message|>${'and on '.repeat(3000)}`;
  await scripted([endless, endless], async (to) => {
    for (const stream of [true, false]) {
      const abort = new AbortController();
      const body = JSON.stringify(ask('Hi', { stream }));
      const response = fetch(`${to.url}/api/chat`, { method: 'POST', body, signal: abort.signal });
      if (stream) await (await response).body?.getReader().read();
      else await until(() => to.turns.size === 1);
      abort.abort();
      await assert.rejects(async () => await (await response).text());
      await until(() => to.turns.size === 0 && to.host.leases === 0);
    }
  });
});

test('a client that leaves before the first line ends its turn too', async () => {
  await scripted([`<|channel|>final<|message|>${'and on '.repeat(3000)}`], async (to) => {
    const response = await to.app.request('/api/chat', { method: 'POST', body: JSON.stringify(ask('Hi')) });
    assert.deepEqual([to.turns.size, to.host.leases], [1, 1]);
    await response.body?.cancel();
    await until(() => to.turns.size === 0 && to.host.leases === 0);
  });
});
