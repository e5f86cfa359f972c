import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndEvent, Engine, GenerateEvent } from '../engine/index.ts';
import { o200kHarmony } from '../tokenizer/index.ts';
import { Session } from './session.ts';
import { scriptedModel } from './testing.ts';
import { runTurn } from './turn.ts';
import type { ChatEnd, ChatEvent } from './types.ts';

const tokenizer = o200kHarmony();
const tools = [{ name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } }];

/** An engine that says what it is told, a token a turn of the event loop, and stops when its signal fires. */
class Parrot implements Engine {
  readonly ids: readonly number[];
  readonly reason: EndEvent['reason'];
  spoken = 0;

  constructor(text: string, reason: EndEvent['reason'] = 'stop') {
    this.ids = tokenizer.encodeWithSpecials(text);
    this.reason = reason;
  }

  async *submit(
    prompt: readonly number[],
    _params = {},
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncGenerator<GenerateEvent> {
    for (const id of this.ids) {
      if (signal?.aborted) break;
      this.spoken++;
      yield { type: 'token', id, logprob: 0 };
    }
    const reason = signal?.aborted ? 'cancelled' : this.reason;
    const timing = { queueMs: 0, prefillMs: 1, decodeMs: 2 };
    yield {
      type: 'end',
      reason,
      promptTokens: prompt.length,
      cachedTokens: 1,
      outputTokens: this.spoken,
      seed: 9,
      timing,
    };
  }

  async close(): Promise<void> {}
}

async function turn(
  parrot: Parrot,
  stop: string[] = [],
  signal?: AbortSignal,
): Promise<{ events: ChatEvent[]; end: ChatEnd; text: string }> {
  const events: ChatEvent[] = [];
  for await (const event of runTurn({ engine: parrot, tokenizer, prompt: [1, 2, 3], params: {}, tools, stop, signal }))
    events.push(event);
  const end = events.at(-1);
  assert.ok(end?.type === 'end');
  const text = events.map((event) => (event.type === 'text' ? event.delta : '')).join('');
  return { events, end, text };
}

const THOUGHT = '<|channel|>analysis<|message|>Think first.<|end|><|start|>assistant';
const ANSWER = '<|channel|>final<|message|>The answer is twelve point five.<|return|>';

test('a turn gives thoughts, answer, both messages, usage and one end, in this order', async () => {
  const { events, end, text } = await turn(new Parrot(THOUGHT + ANSWER));
  const order = events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
  assert.deepEqual(order, ['reasoning', 'message', 'text', 'message', 'usage', 'end']);
  assert.equal(text, 'The answer is twelve point five.');
  assert.deepEqual([end.reason, end.repairs, end.seed], ['stop', [], 9]);
  const usage = events.find((event) => event.type === 'usage');
  assert.deepEqual(usage, { type: 'usage', promptTokens: 3, cachedTokens: 1, outputTokens: 20, reasoningTokens: 7 });
  assert.equal(end.messages.length, 1);
  const { harmony, ...message } = end.messages[0]!;
  assert.deepEqual(message, { role: 'assistant', content: text, reasoning: 'Think first.' });
  assert.deepEqual(
    harmony?.flatMap(({ sampled }) => sampled),
    new Parrot(THOUGHT + ANSWER).ids,
  );
});

test('a call comes in pieces, then whole, and the turn ends with tool_calls', async () => {
  const parrot = new Parrot(
    `${THOUGHT}<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city":"Oslo"}<|call|>`,
  );
  const { events, end } = await turn(parrot);
  const call = events.find((event) => event.type === 'tool_call')!;
  const pieces = events.map((event) => (event.type === 'tool_call_delta' && event.id === call.id ? event.delta : ''));
  assert.equal(pieces.join(''), '{"city":"Oslo"}');
  const { id } = call;
  assert.match(id, /^call_[0-9a-f]{32}$/);
  assert.deepEqual(call, { type: 'tool_call', id, name: 'weather', arguments: '{"city":"Oslo"}', status: 'complete' });
  assert.equal(end.reason, 'tool_calls');
  assert.deepEqual(end.messages[0]!.toolCalls, [{ id, name: 'weather', arguments: '{"city":"Oslo"}' }]);
});

test('a call of a builtin comes out with its full name, and its result goes back to it', async () => {
  const code = 'print(2 + 2)';
  const model = scriptedModel(tokenizer, [
    `${THOUGHT}<|channel|>analysis to=python code<|message|>${code}<|call|>`,
    '<|channel|>final<|message|>Four.<|return|>',
  ]);
  const session = new Session(model, { builtins: ['python'], date: null });
  const events: ChatEvent[] = [];
  for await (const event of session.send('Two and two?')) events.push(event);
  const call = events.find((event) => event.type === 'tool_call')!;
  const { id } = call;
  const told = { id, name: 'python', arguments: code, builtin: true };
  assert.deepEqual(call, { type: 'tool_call', ...told, status: 'complete' });
  const piece = events.find((event) => event.type === 'tool_call_delta')!;
  assert.deepEqual([piece.id, piece.name, piece.builtin], [id, 'python', true]);
  const end = events.at(-1);
  assert.ok(end?.type === 'end' && end.reason === 'tool_calls' && end.repairs.length === 0);
  assert.deepEqual(end.messages[0]?.toolCalls, [told]);
  session.answer('4', id);
  for await (const event of session.continue()) events.push(event);
  const prompt = tokenizer.decode(model.engine.requests[1]!.prompt);
  assert.match(prompt, /Think first\.<\|end\|>.*to=python code<\|message\|>print\(2 \+ 2\)<\|call\|>/);
  assert.ok(prompt.endsWith('<|start|>python to=assistant<|channel|>analysis<|message|>4<|end|><|start|>assistant'));
});

test('a call that is cut short is shown and never enters the history', async () => {
  const parrot = new Parrot(
    `${THOUGHT}<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city":"Os`,
    'length',
  );
  const { events, end } = await turn(parrot);
  assert.equal(events.find((event) => event.type === 'tool_call')?.status, 'incomplete');
  assert.equal(end.reason, 'length');
  assert.equal(end.messages[0]!.toolCalls, undefined);
  assert.deepEqual(
    end.messages[0]!.harmony?.map(({ channel }) => channel),
    ['analysis'],
  );
});

test('a stop text ends the turn before it, wherever tokens are cut, and what follows is not read', async () => {
  for (const stop of [' twelve', 'lve poi', 'e', 'twelve point five.']) {
    const parrot = new Parrot(THOUGHT + ANSWER + ANSWER);
    const { end, text } = await turn(parrot, [stop]);
    assert.equal(text, 'The answer is twelve point five.'.slice(0, 'The answer is twelve point five.'.indexOf(stop)));
    assert.deepEqual([end.reason, end.stop, end.messages[0]!.content], ['stop', stop, text]);
    assert.ok(parrot.spoken < 22, `${parrot.spoken} tokens`);
  }
});

test('a stop text in thoughts, headers or arguments means nothing', async () => {
  const thinking = await turn(new Parrot(THOUGHT + ANSWER), ['Think', 'analysis', 'final', 'assistant']);
  assert.deepEqual([thinking.end.stop, thinking.text], [undefined, 'The answer is twelve point five.']);
  const calling = await turn(
    new Parrot('<|channel|>commentary to=functions.weather<|message|>{"city":"Oslo"}<|call|>'),
    ['Oslo'],
  );
  assert.deepEqual([calling.end.stop, calling.end.reason], [undefined, 'tool_calls']);
});

test('an answer that ends in the beginning of a stop text keeps it', async () => {
  const { end, text } = await turn(new Parrot(THOUGHT + ANSWER), ['five.\nMore']);
  assert.equal(text, 'The answer is twelve point five.');
  assert.equal(end.stop, undefined);
});

test('a cancelled turn keeps what came, and malformed output is repaired and named', async () => {
  const abort = new AbortController();
  const parrot = new Parrot(THOUGHT + ANSWER);
  let end: ChatEvent | undefined;
  for await (const event of runTurn({
    engine: parrot,
    tokenizer,
    prompt: [1],
    params: {},
    tools: [],
    stop: [],
    signal: abort.signal,
  })) {
    if (event.type === 'text') abort.abort();
    end = event;
  }
  assert.ok(end?.type === 'end' && end.reason === 'cancelled');
  assert.match(end.messages[0]!.content!, /^The( answer)?$/);
  const { end: repaired, text } = await turn(new Parrot(`${THOUGHT}final<|message|>Yes.<|return|>`));
  assert.equal(text, 'Yes.');
  assert.deepEqual(
    repaired.repairs.map(({ code }) => code),
    ['missing-channel-token'],
  );
});

test('a remark before a call is text of the commentary channel', async () => {
  const { events } = await turn(
    new Parrot(
      '<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant<|channel|>final<|message|>Done.<|return|>',
    ),
  );
  const channels = new Set(events.flatMap((event) => (event.type === 'text' ? [event.channel] : [])));
  assert.deepEqual([...channels], ['commentary', 'final']);
});

test('a stop text after a remark cuts the answer, and the remark stays a message of its own', async () => {
  const remark = '<|channel|>commentary<|message|>I will look: twe<|end|><|start|>assistant';
  const { end, text } = await turn(new Parrot(remark + ANSWER), ['lve point', 'welve p']);
  assert.equal(text, 'I will look: tweThe answer is t');
  assert.deepEqual(
    end.messages[0]!.harmony?.map(({ channel, content }) => [channel, content]),
    [
      ['commentary', 'I will look: twe'],
      ['final', 'The answer is t'],
    ],
  );
});

test('an answer that turns out to be a call is taken back, held text included', async () => {
  const parrot = new Parrot(`${THOUGHT}<|channel|>final<|message|>{"city":"Oslo"}<|call|>`);
  const { events, end, text } = await turn(parrot, ['"}\nobserve']);
  const retract = events.findIndex(({ type }) => type === 'retract');
  assert.ok(retract > 0, 'the text was shown before');
  assert.ok(!events.slice(retract).some(({ type }) => type === 'text'));
  assert.equal(text, '{"city":"Oslo');
  assert.deepEqual([end.reason, end.messages[0]!.toolCalls?.[0]?.arguments], ['tool_calls', '{"city":"Oslo"}']);
});

test('an engine that fails lets its error through', async () => {
  const failing: Engine = {
    // biome-ignore lint/correctness/useYield: it fails before it has anything to yield
    submit: async function* () {
      throw new RangeError('no memory');
    },
    close: async () => {},
  };
  const events = runTurn({
    engine: failing,
    tokenizer,
    prompt: [1],
    params: {},
    tools: [],
    stop: [],
    signal: undefined,
  });
  await assert.rejects(events.next(), /no memory/);
});
