import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ConsoleEvent, Rendered, Routing } from '../src/api/index.ts';
import { type AssistantMessage, LoadedModel, type MeasuredEngine, type ToolMessage } from '../src/chat/index.ts';
import { type ScriptedTurn, scriptedModel } from '../src/chat/testing.ts';
import { o200kHarmony } from '../src/tokenizer/index.ts';
import type { Tool, ToolRequest } from '../src/tools/index.ts';
import { live, only, post, refusal, turn } from './support/console.ts';
import { eventually } from './support/eventually.ts';
import { closeNano, nano, type TestServer, testServer } from './support/server.ts';

const tokenizer = o200kHarmony();
const real = await testServer();
const servers = [real];
after(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await closeNano();
});

async function scripted(
  turns: readonly ScriptedTurn[],
  options: { readonly tools?: readonly Tool[]; readonly msPerToken?: number; readonly cachedTokens?: number } = {},
) {
  const { tools = [], ...rest } = options;
  const model = scriptedModel(tokenizer, turns, rest);
  const server = await testServer({ model, context: { tools } });
  servers.push(server);
  return { model, server };
}

/** A tool with one function, which answers with its arguments; `asks`: a person has to agree. */
function echoTool(
  name: string,
  asks = false,
): Tool & { readonly requests: ToolRequest[]; readonly forgotten: string[] } {
  const [requests, forgotten]: [ToolRequest[], string[]] = [[], []];
  return {
    name,
    requests,
    forgotten,
    functions: async () => [{ name: 'echo', parameters: { type: 'object' } }],
    ...(asks ? { needsApproval: () => true } : {}),
    async call(request) {
      requests.push(request);
      request.progress?.('half way');
      return { text: `echo of ${request.arguments}` };
    },
    forget: (conversation) => void forgotten.push(conversation),
    async close() {},
  };
}

const say = (text: string) => `<|channel|>final<|message|>${text}<|return|>`;
const callEcho = (args = '{}') =>
  `<|channel|>analysis<|message|>Let me see.<|end|><|start|>assistant<|channel|>commentary to=functions.echo <|constrain|>json<|message|>${args}<|call|>`;

const textOf = (events: readonly ConsoleEvent[]) =>
  only(events, 'text')
    .map(({ delta }) => delta)
    .join('');

async function idle({ host, turns }: TestServer) {
  await eventually('idle', () => host.leases === 0 && turns.size === 0);
}

test('a traced turn tells its prompt, then every token before what it adds to the text, then its end', async () => {
  const body = { trace: true, options: { seed: 3, temperature: 0.7, maxTokens: 60 } };
  const events = await turn(real.url, body);
  const types = events.map(({ type }) => type);
  assert.deepEqual(types.slice(0, 3), ['begin', 'prompt', 'trace']);
  assert.deepEqual(types.slice(-2), ['usage', 'end']);
  const traced = only(events, 'trace');
  const [usage] = only(events, 'usage');
  assert.equal(traced.length, usage!.outputTokens);
  const shown = (band: string) =>
    traced.flatMap(({ channel, control, text }) => (channel === band && !control ? [text] : [])).join('');
  const thoughts = only(events, 'reasoning').map(({ delta }) => delta);
  assert.equal(shown('analysis').replace(/^analysis/, ''), thoughts.join(''));
  assert.equal(shown('final').replace(/^final/, ''), textOf(events));
  assert.ok(traced.some(({ forced }) => forced) && traced.some(({ entropy }) => entropy! > 0));
  for (const { id, probability, top } of traced) {
    const found = top.find((one) => one.id === id);
    assert.ok(found === undefined || found.probability === probability);
    assert.ok(top.every((one, i) => i === 0 || top[i - 1]!.probability >= one.probability));
  }
  const again = await turn(real.url, body);
  const ids = (all: readonly ConsoleEvent[]) => only(all, 'trace').map(({ id }) => id);
  assert.deepEqual(ids(again), ids(events)); // by its seed
  const { messages } = only(events, 'end')[0]!;
  const sampled = (messages[0] as AssistantMessage).harmony!.flatMap((message) => message.sampled ?? []);
  assert.deepEqual(ids(events).slice(0, sampled.length), sampled);
});

test('without trace there are no tokens, and the answer is the same', async () => {
  const options = { seed: 3, temperature: 0.7, maxTokens: 60 };
  const events = await turn(real.url, { options });
  assert.deepEqual([only(events, 'trace').length, only(events, 'prompt').length], [0, 0]);
  assert.equal(textOf(events), textOf(await turn(real.url, { options, trace: true })));
});

test('the prompt is what render gives, each token with its message; a second turn finds it kept', async () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'What is <|start|>?' },
    { role: 'assistant', content: 'A control token.', reasoning: 'They ask about Harmony.' },
    { role: 'user', content: 'And ☂?' },
  ] as const;
  const body = { messages, options: { effort: 'high', date: null, maxTokens: 8 } } as const;
  const reply = await post(`${real.url}/ossia/render`, { ...body, conversation: 'c' });
  const rendered = (await reply.json()) as Rendered;
  const first = only(await turn(real.url, { ...body, trace: true }), 'prompt')[0]!;
  assert.deepEqual(first.tokens, rendered.tokens);
  const { tokenizer } = await nano();
  assert.equal(rendered.text, tokenizer.decode(rendered.tokens.map(({ id }) => id)));
  assert.match(rendered.text, /Reasoning: high/);
  const roles = rendered.tokens.filter(({ text, control }) => control && text === '<|start|>').map(({ role }) => role);
  assert.deepEqual(roles, ['system', 'developer', 'user', 'assistant', 'user', 'assistant']);
  assert.deepEqual(new Set(rendered.tokens.map(({ channel }) => channel)), new Set([undefined, 'final']));
  assert.equal(
    rendered.tokens.filter(({ text, control }) => text === '<|start|>' && control).length,
    roles.length, // and what the user wrote is text
  );
  const second = only(await turn(real.url, { ...body, trace: true }), 'prompt')[0]!;
  assert.equal(second.cached, first.tokens.length - 1);
});

test('pieces of characters are shown as their bytes, and no probability is more or less than JSON has', async () => {
  const unicorn = tokenizer.encode('🦄');
  assert.ok(unicorn.length > 1);
  const { server } = await scripted([[...tokenizer.encodeWithSpecials('<|channel|>final<|message|>'), ...unicorn]]);
  const traced = only(await turn(server.url, { trace: true }), 'trace').slice(3);
  assert.match(traced.map(({ text }) => text).join(''), /^(?:\\x[0-9a-f]{2}){4}$/);
});

test('a tool that is enabled runs, every step is told, and the next turn takes what this one added', async () => {
  const tool = echoTool('mcp:echo');
  const { server, model } = await scripted([callEcho('{"a":1}'), say('It said so.'), say('Bye.')], { tools: [tool] });
  const events = await turn(server.url, { enable: ['mcp:echo'], trace: true, conversation: 'one' });
  const [start] = only(events, 'tool_start');
  const [ended] = only(events, 'tool_end');
  assert.deepEqual([start!.call.tool, start!.call.name, ended!.result.text], ['mcp:echo', 'echo', 'echo of {"a":1}']);
  assert.deepEqual(
    only(events, 'tool_progress').map(({ text }) => text),
    ['half way'],
  );
  assert.equal(only(events, 'prompt').length, 2);
  assert.deepEqual(
    only(events, 'step').map(({ step }) => step),
    [1],
  );
  const result = only(events, 'prompt')[1]!.tokens.filter(({ role }) => role === 'tool');
  assert.deepEqual(new Set(result.map(({ channel }) => channel)), new Set(['commentary']));
  const end = only(events, 'end')[0]!;
  assert.deepEqual([end.steps, textOf(events)], [1, 'It said so.']);
  const history = [{ role: 'user', content: 'Hi' } as const, ...(end.messages as (AssistantMessage | ToolMessage)[])];
  const next = await turn(server.url, { messages: [...history, { role: 'user', content: 'Bye' }] });
  assert.equal(textOf(next), 'Bye.');
  const prompt = tokenizer.decode(model.engine.requests[2]!.prompt);
  assert.match(prompt, /It said so\..*Bye/s);
  assert.equal(only(next, 'end')[0]!.steps, 0);
});

test('conversations of clients are their own, and what tools keep of one goes when it is over', async () => {
  const tool = echoTool('mcp:echo');
  const { server } = await scripted([callEcho(), say('Yes.')], { tools: [tool] });
  await turn(server.url, { enable: ['mcp:echo'], conversation: 'one' });
  assert.match(tool.requests[0]!.conversation, /^\S+ one$/);
  const forgotten = await post(`${server.url}/ossia/conversations/forget`, { conversation: 'one' });
  assert.deepEqual(await forgotten.json(), { ok: true });
  assert.deepEqual(tool.forgotten, [tool.requests[0]!.conversation]);
});

/** Runs a turn and answers what it asks. */
async function answering(server: TestServer, answer: object, conversation = 'c'): Promise<readonly ConsoleEvent[]> {
  const body = { messages: [{ role: 'user', content: 'Hi' }], conversation, enable: ['mcp:echo'] };
  const events: ConsoleEvent[] = [];
  for await (const event of live(await post(`${server.url}/ossia/turns`, body))) {
    events.push(event);
    if (event.type !== 'approval') continue;
    const { id } = only(events, 'begin')[0]!;
    const unknown = await post(`${server.url}/ossia/turns/${id}/approvals/call_x`, answer);
    assert.equal((await refusal(unknown)).code, 'api/not-found');
    const reply = await post(`${server.url}/ossia/turns/${id}/approvals/${event.call.id}`, answer);
    assert.deepEqual(await reply.json(), { ok: true });
    const twice = await post(`${server.url}/ossia/turns/${id}/approvals/${event.call.id}`, answer);
    assert.equal(twice.status, 404);
  }
  return events;
}

test('a call waits for a person, who allows it, refuses it, or allows it for the rest of the conversation', async () => {
  const tool = echoTool('mcp:echo', true);
  const script = Array.from({ length: 5 }, () => [callEcho(), say('Done.')]).flat();
  const { server, model } = await scripted(script, { tools: [tool] });
  const allowed = await answering(server, { allowed: true });
  assert.deepEqual([only(allowed, 'approval').length, only(allowed, 'tool_end')[0]!.refused], [1, undefined]);
  const refused = await answering(server, { allowed: false, reason: 'not today' });
  assert.equal(only(refused, 'tool_end')[0]!.refused, true);
  assert.match(tokenizer.decode(model.engine.requests[3]!.prompt), /not today/);
  const remembered = await answering(server, { allowed: true, remember: true });
  assert.equal(only(remembered, 'approval').length, 1);
  const after = await answering(server, { allowed: true });
  assert.deepEqual([only(after, 'approval').length, only(after, 'tool_start').length], [0, 1]);
  const elsewhere = await answering(server, { allowed: true }, 'another');
  assert.equal(only(elsewhere, 'approval').length, 1);
  assert.equal(tool.requests.length, 4);
});

test('a turn is stopped, or told to answer now, by its id; nobody else has one', async () => {
  const thought = `<|channel|>analysis<|message|>${'Hm. '.repeat(400)}`;
  const hurried = `<|end|><|start|>assistant${say('Now.')}`;
  const { server } = await scripted([thought, { say: thought, hurried }], { msPerToken: 5 });
  for (const what of ['stop', 'answer-now']) {
    const events: ConsoleEvent[] = [];
    const body = { messages: [{ role: 'user', content: 'Hi' }], conversation: 'c' };
    for await (const event of live(await post(`${server.url}/ossia/turns`, body))) {
      events.push(event);
      if (only(events, 'reasoning').length !== 1 || event.type !== 'reasoning') continue;
      const { id } = only(events, 'begin')[0]!;
      assert.deepEqual(await (await post(`${server.url}/ossia/turns/${id}/${what}`, '')).json(), { ok: true });
    }
    const end = only(events, 'end')[0]!;
    if (what === 'stop') assert.equal(end.reason, 'cancelled');
    else assert.deepEqual([end.reason, end.reasoningCut, textOf(events)], ['stop', 'answer_now', 'Now.']);
    const { id } = only(events, 'begin')[0]!;
    assert.equal((await refusal(await post(`${server.url}/ossia/turns/${id}/${what}`, ''))).status, 404);
  }
});

test('who leaves ends the turn, whether it writes or waits for a person', async () => {
  const tool = echoTool('mcp:echo', true);
  const long = `<|channel|>analysis<|message|>${'Hm. '.repeat(400)}`;
  const { server, model } = await scripted([long, callEcho()], { tools: [tool], msPerToken: 5 });
  for (const until of ['reasoning', 'approval'] as const) {
    const leaving = new AbortController();
    const body = { messages: [{ role: 'user', content: 'Hi' }], conversation: 'c', enable: ['mcp:echo'] };
    const reply = await post(`${server.url}/ossia/turns`, body, { signal: leaving.signal });
    await assert.rejects(async () => {
      for await (const event of live(reply)) if (event.type === until) leaving.abort();
    });
    await idle(server);
  }
  assert.equal(model.engine.requests.length, 2);
});

test('what goes wrong before the stream has a status; what goes wrong in it is its last event', async () => {
  const tool = echoTool('mcp:echo');
  const early = await scripted([new RangeError('the secret inside')]);
  const refused = await post(`${early.server.url}/ossia/turns`, {
    messages: [{ role: 'user', content: 'Hi' }],
    conversation: 'c',
  });
  const problem = await refusal(refused);
  assert.deepEqual([problem.status, problem.code], [500, 'internal_error']);
  assert.doesNotMatch(problem.message, /secret/);
  await idle(early.server);
  const late = await scripted([callEcho(), new RangeError('the secret inside')], { tools: [tool] });
  const events = await turn(late.server.url, { enable: ['mcp:echo'] });
  const last = events.at(-1)!;
  assert.equal(last.type, 'error');
  assert.doesNotMatch(JSON.stringify(last), /secret/);
  await idle(late.server);
});

test('the experts of a turn are told as they were asked, and as ossia inspect routing tells them', async () => {
  const events = await turn(real.url, { trace: true, options: { seed: 1, maxTokens: 30 } });
  const prompt = only(events, 'prompt')[0]!.tokens.map(({ id }) => id);
  const ids = [...prompt, ...only(events, 'trace').map(({ id }) => id)];
  const all = (await (await post(`${real.url}/ossia/routing`, { ids })).json()) as Routing;
  const model = await nano();
  const { numLayers, numExperts, expertsPerToken } = model.info.config;
  assert.deepEqual([all.layers, all.experts, all.picked], [numLayers, numExperts, expertsPerToken]);
  const layers = await model.routing(ids);
  assert.deepEqual(
    all.chosen.map((layer) => layer.flat()),
    layers!.map(({ experts }) => [...experts]),
  );
  assert.deepEqual(
    all.weights.map((layer) => layer.flat()),
    layers!.map(({ weights }) => [...weights]),
  );
  const from = prompt.length;
  const part = (await (await post(`${real.url}/ossia/routing`, { ids, from })).json()) as Routing;
  assert.deepEqual(
    part.chosen,
    all.chosen.map((layer) => layer.slice(from)),
  );
  assert.equal((await real.host.models())[0]!.loaded!.leases, 0);
});

test('who asks for experts and leaves ends the work, and gives the model back', async () => {
  const model = await nano();
  let ended = false;
  const engine: MeasuredEngine = {
    submit: () => assert.fail('nothing is generated'),
    routing: (_ids, { signal } = {}) =>
      new Promise((_, reject) => {
        signal!.addEventListener('abort', () => {
          ended = true;
          reject(signal!.reason);
        });
      }),
    close: async () => {},
  };
  const server = await testServer({ model: new LoadedModel(engine, model.tokenizer, model.info) });
  servers.push(server);
  const leaving = new AbortController();
  const asked = assert.rejects(post(`${server.url}/ossia/routing`, { ids: [1] }, { signal: leaving.signal }));
  await eventually('computing', () => server.host.leases === 1);
  leaving.abort();
  await asked;
  await idle(server);
  assert.ok(ended);
  const other = await scripted([]);
  assert.equal((await refusal(await post(`${other.server.url}/ossia/routing`, { ids: [1] }))).code, 'api/unsupported');
});

test('bodies that are wrong are refused in the words of the console', async () => {
  const message = { role: 'user', content: 'Hi' };
  const turns: [unknown, RegExp][] = [
    ['', /empty/],
    ['{"messages":', /not valid JSON/],
    [[], /expected object/],
    [{}, /messages/],
    [{ messages: [], conversation: 'c' }, /messages/],
    [{ messages: [message] }, /conversation/],
    [{ messages: [message], conversation: 'c'.repeat(101) }, /conversation/],
    [{ messages: [message], conversation: 'c', model: 7 }, /model/],
    [{ messages: [message], conversation: 'c', secret: 1 }, /secret/],
    [{ messages: [{ role: 'wizard', content: 'x' }], conversation: 'c' }, /messages\[0\]/],
    [{ messages: [{ role: 'user', content: ['x'] }], conversation: 'c' }, /messages\[0\]\.content/],
    [{ messages: [message], conversation: 'c', options: { logitBias: { 1: 5 } } }, /logitBias/],
    [{ messages: [message], conversation: 'c', options: { temperature: 'hot' } }, /temperature/],
    [{ messages: [message], conversation: 'c', options: { temperature: 11 } }, /temperature/],
    [{ messages: [message], conversation: 'c', options: { topLogprobs: 3 } }, /topLogprobs/],
    [{ messages: [message], conversation: 'c', options: { maxTokens: 0 } }, /maxTokens/],
    [{ messages: [message], conversation: 'c', options: { toolChoice: { name: 'f' } } }, /call of "f"/],
    [{ messages: [message], conversation: 'c', enable: ['browser'] }, /no tool "browser"/],
    [
      {
        messages: [{ role: 'assistant', harmony: [{ role: 'assistant', content: 'x', sampled: [1e9] }] }, message],
        conversation: 'c',
      },
      /0 to \d+|token/,
    ],
    [
      {
        messages: [{ role: 'assistant', harmony: [{ role: 'assistant', content: 'x', sampled: [-1] }] }, message],
        conversation: 'c',
      },
      /sampled/,
    ],
    [`{"messages":[{"role":"user","content":"Hi"}],"conversation":"c","__proto__":{"trace":true}}`, /__proto__/],
    [`${'['.repeat(1000)}`, /nested deeper/],
  ];
  for (const [body, words] of turns) {
    const { status, code, message } = await refusal(await post(`${real.url}/ossia/turns`, body));
    assert.equal(status, 400, `${JSON.stringify(body).slice(0, 200)}: ${code} ${message}`);
    assert.match(message, words);
  }
  for (const [body, words] of [
    [{ ids: [] }, /ids/],
    [{ ids: ['1'] }, /ids\[0\]/],
    [{ ids: [1.5] }, /ids\[0\]/],
    [{ ids: [-1] }, /ids\[0\]/],
    [{ ids: [2 ** 31] }, /ids\[0\]/],
    [{ ids: [2 ** 30] }, /token id from 0/],
    [{ ids: Array.from({ length: 4097 }, () => 1) }, /ids/],
    [{ ids: [1], from: 2 }, /from/],
    [{ ids: [1], from: -1 }, /from/],
  ] as const) {
    const { status, message } = await refusal(await post(`${real.url}/ossia/routing`, body));
    assert.equal(status, 400, JSON.stringify(body).slice(0, 100));
    assert.match(message, words);
  }
  const unknown = await refusal(
    await post(`${real.url}/ossia/turns`, { messages: [message], conversation: 'c', model: 'x' }),
  );
  assert.deepEqual([unknown.status, unknown.code], [404, 'api/unknown-model']);
  assert.equal((await refusal(await fetch(`${real.url}/ossia/nothing`))).status, 404);
  assert.equal((await refusal(await fetch(`${real.url}/ossia/turns`))).status, 405);
  await idle(real);
});

test('only JSON is taken: what a page elsewhere can send without asking is not', async () => {
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], conversation: 'c' });
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonp', ''];
  for (const type of types) {
    for (const path of ['turns', 'turns/x/stop', 'models/pull', 'render']) {
      const bytes = new TextEncoder().encode(body); // a text would bring a content-type of its own
      const headers = type === '' ? {} : { 'content-type': type };
      const reply = await fetch(`${real.url}/ossia/${path}`, { method: 'POST', body: bytes, headers });
      assert.equal((await refusal(reply)).code, 'server/unsupported-media-type', `${type} to ${path}`);
    }
  }
  const charset = await post(`${real.url}/ossia/render`, body, {
    headers: { 'content-type': 'application/json; charset=utf-8' },
  });
  assert.equal(charset.status, 200);
});
