import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { BackendName } from '../src/backends/index.ts';
import {
  type ChatEnd,
  type ChatEvent,
  type LoadedModel,
  load,
  type OssiaError,
  Session,
  type ToolCall,
  type Usage,
} from '../src/index.ts';
import { cpuMissing } from './support/backends.ts';

interface Turn {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly ToolCall[];
  readonly usage: Usage;
  readonly end: ChatEnd;
  /** All that the model wrote. */
  readonly ids: readonly number[];
}

async function read(events: AsyncIterable<ChatEvent>): Promise<Turn> {
  const turn = { text: '', reasoning: '', calls: [] as ToolCall[], ids: [] as number[] };
  let usage: Usage | undefined;
  let end: ChatEnd | undefined;
  for await (const event of events) {
    if (event.type === 'text') turn.text += event.delta;
    if (event.type === 'reasoning') turn.reasoning += event.delta;
    if (event.type === 'tool_call') turn.calls.push(event);
    if (event.type === 'message') turn.ids.push(...(event.message.sampled ?? []));
    if (event.type === 'usage') usage = event;
    if (event.type === 'end') end = event;
  }
  assert.ok(usage && end);
  return { ...turn, usage, end };
}

const date = '2026-03-01';
const weather = {
  name: 'get_weather',
  description: 'Gets the weather.',
  parameters: { type: 'object', properties: { city: { type: 'string', description: 'The city' } }, required: ['city'] },
};

/** Hot enough for every seed to go its own way. */
const hot = { date, temperature: 1.5, maxTokens: 50 };

const skips: Readonly<Record<BackendName, string | false>> = { cpu: await cpuMissing(), reference: false };

for (const backend of ['reference', 'cpu'] as const) {
  const skip = skips[backend];
  let model: LoadedModel;
  before(async () => {
    if (skip === false) model = await load('ossia-nano', { backend, context: 2000 });
  });
  after(() => model?.close());

  test(`${backend}: the embedded model says what it can do`, { skip }, async () => {
    const { text, reasoning, end, usage } = await read(model.chat('What can you do?', { date }));
    assert.match(text, /^I can .*gpt-oss/);
    assert.match(reasoning, /what I can do/);
    assert.deepEqual([end.reason, end.repairs], ['stop', []]);
    assert.equal(usage.promptTokens, model.render('What can you do?', { date }).length);
  });

  test(`${backend}: a call, its result, and the answer made of it`, { skip }, async () => {
    const session = new Session(model, { tools: [weather], effort: 'low', date });
    const asked = await read(session.send('What is the weather in Paris?'));
    assert.deepEqual([asked.end.reason, asked.calls.length], ['tool_calls', 1]);
    assert.deepEqual([asked.calls[0]!.name, JSON.parse(asked.calls[0]!.arguments)], ['get_weather', { city: 'Paris' }]);
    session.answer('{"temperature":21,"condition":"sunny"}', asked.calls[0]!.id);
    const answered = await read(session.continue());
    assert.match(answered.text, /Paris.*sunny|sunny.*Paris/);
    assert.match(answered.text, /21/);
    assert.ok(answered.usage.cachedTokens >= 128, `${answered.usage.cachedTokens} tokens were kept`);
    const resumed = Session.from(JSON.parse(JSON.stringify(session)), model, session.options);
    assert.deepEqual(resumed.messages, session.messages);
  });

  test(`${backend}: a seed replays, also beside other traffic`, { skip }, async () => {
    const first = await read(model.chat('Tell me a story.', { ...hot, seed: 7 }));
    const others = [8, 9, 10].map((seed) => read(model.chat('Tell me a story.', { ...hot, seed })));
    const again = await read(model.chat('Tell me a story.', { ...hot, seed: 7 }));
    assert.deepEqual([again.ids, again.text, again.reasoning], [first.ids, first.text, first.reasoning]);
    const texts = await Promise.all(others);
    assert.ok(texts.some(({ reasoning, text }) => reasoning + text !== first.reasoning + first.text));
  });

  test(`${backend}: a warm prefix gives the tokens of a cold one`, { skip }, async () => {
    const prompt = 'Please tell me what gpt-oss is, and say what you can do, in your own words. '.repeat(3);
    const cold = await read(model.chat(prompt, { date, seed: 3, temperature: 1, maxTokens: 40 }));
    const warm = await read(model.chat(prompt, { date, seed: 3, temperature: 1, maxTokens: 40 }));
    assert.ok(warm.usage.cachedTokens >= 64 && warm.usage.cachedTokens > cold.usage.cachedTokens);
    assert.deepEqual([warm.ids, warm.text], [cold.ids, cold.text]);
  });

  test(`${backend}: a stop text ends the answer before it`, { skip }, async () => {
    const whole = await read(model.chat('What can you do?', { date }));
    const stop = whole.text.slice(9, 22); // begins and ends inside tokens
    const { text, end } = await read(model.chat('What can you do?', { date, stop: ['nowhere', stop] }));
    assert.deepEqual([text, end.stop, end.reason], [whole.text.slice(0, whole.text.indexOf(stop)), stop, 'stop']);
  });

  test(`${backend}: a signal ends the turn within one step`, { skip }, async () => {
    const abort = new AbortController();
    let end: ChatEnd | undefined;
    let late = 0;
    for await (const event of model.chat('What can you do?', { date, signal: abort.signal })) {
      if (event.type === 'text' && abort.signal.aborted) late++;
      if (event.type === 'text') abort.abort();
      if (event.type === 'end') end = event;
    }
    assert.equal(end?.reason, 'cancelled');
    assert.ok(late <= 2, `${late} tokens after the signal`);
  });

  test(`${backend}: limits and wrong parameters are named`, { skip }, async () => {
    assert.equal((await read(model.chat('What can you do?', { date, maxTokens: 3 }))).end.reason, 'length');
    const long = 'x '.repeat(3000);
    await assert.rejects(read(model.chat(long, { date, maxTokens: 9 })), (error: OssiaError) => {
      const { promptTokens, ...rest } = error.details;
      assert.ok(Number(promptTokens) > 3000 && error.message.includes(String(promptTokens)));
      assert.deepEqual([error.code, rest], ['chat/context-exceeded', { maxTokens: 9, contextLength: 2000 }]);
      return true;
    });
    await assert.rejects(read(model.chat('Hi', { date, topP: 0 })), { code: 'engine/bad-parameter', message: /topP/ });
    await assert.rejects(read(model.chat([{ role: 'tool', content: 'x' }])), { code: 'harmony/bad-conversation' });
  });
}

test('the golden checks come out through generate, eight at a time', async () => {
  const checks = JSON.parse(readFileSync(new URL('golden/ossia-nano-checks.json', import.meta.url), 'utf8'));
  await using model = await load('ossia-nano', { context: 2000 });
  const outputs = checks.cases.slice(0, 20).map(async (check: { prompt_ids: number[]; completion_ids: number[] }) => {
    const ids: number[] = [];
    const params = { temperature: 0, stopIds: checks.stop_ids };
    for await (const event of model.generate(check.prompt_ids, params)) if (event.type === 'token') ids.push(event.id);
    assert.deepEqual(ids, check.completion_ids);
  });
  await Promise.all(outputs); // eight run side by side, twelve wait
});

test('a model that is not here says so', async () => {
  await assert.rejects(load('no-such-model'), { code: 'store/unknown-model' });
  await assert.rejects(load('./no/such/path'), { code: 'checkpoint/not-found' });
  await assert.rejects(load('ossia-nano', { context: 1 }), { code: 'engine/bad-parameter' });
});
