import assert from 'node:assert/strict';
import { test } from 'node:test';
import { o200kHarmony } from '../tokenizer/index.ts';
import { scriptedModel } from './testing.ts';
import type { ChatEnd, ChatEvent, ChatOptions } from './types.ts';

const tokenizer = o200kHarmony();
const THOUGHT = '<|channel|>analysis<|message|>Let me think about it.<|end|><|start|>assistant';
const ANSWER = '<|channel|>final<|message|>Twelve.<|return|>';

async function read(
  events: AsyncIterable<ChatEvent>,
  see?: (event: ChatEvent) => void,
): Promise<{ text: string; events: ChatEvent[]; end: ChatEnd }> {
  const all: ChatEvent[] = [];
  for await (const event of events) {
    all.push(event);
    see?.(event);
  }
  const end = all.at(-1);
  assert.ok(end?.type === 'end');
  return { text: all.map((event) => (event.type === 'text' ? event.delta : '')).join(''), events: all, end };
}

test('a script is played turn by turn, as text or as ids, and ends at stop tokens', async () => {
  const model = scriptedModel(tokenizer, [THOUGHT + ANSWER, tokenizer.encodeWithSpecials(`${ANSWER}never`)]);
  const first = await read(model.chat('Hi'));
  assert.deepEqual(
    [first.text, first.end.reason, first.end.messages[0]?.reasoning],
    ['Twelve.', 'stop', 'Let me think about it.'],
  );
  const second = await read(model.chat('Hi', { seed: 4 }));
  assert.deepEqual([second.text, second.end.seed], ['Twelve.', 4]);
  assert.equal(model.engine.requests[1]?.params.seed, 4);
  await assert.rejects(model.chat('Hi').next(), /no turn left/);
});

test('it is cut by the limit, by the context, and where the script breaks off', async () => {
  const model = scriptedModel(tokenizer, [ANSWER, '<|channel|>final<|message|>Twel', ANSWER], { contextLength: 200 });
  assert.equal((await read(model.chat('Hi', { maxTokens: 4 }))).end.reason, 'length');
  const broken = await read(model.chat('Hi'));
  assert.deepEqual([broken.text, broken.end.reason], ['Twel', 'length']);
  const long = 'word '.repeat(200 - model.countTokens('') - 3);
  assert.equal((await read(model.chat(long))).end.reason, 'length');
});

test('it listens to its signals, also while it is slow', async () => {
  const stop = new AbortController();
  const model = scriptedModel(tokenizer, [THOUGHT + ANSWER], { msPerToken: 60_000 });
  setImmediate(() => stop.abort());
  assert.equal((await read(model.chat('Hi', { signal: stop.signal }))).end.reason, 'cancelled');
});

test('in a hurry it says what it was told to say then, and an error is thrown', async () => {
  const hurried = '<|end|><|start|>assistant<|channel|>final<|message|>Quick.<|return|>';
  const model = scriptedModel(tokenizer, [{ say: THOUGHT + ANSWER, hurried }, new RangeError('no memory')]);
  const answerNow = new AbortController();
  const { text, end } = await read(model.chat('Hi', { answerNow: answerNow.signal }), (event) => {
    if (event.type === 'reasoning') answerNow.abort();
  });
  assert.deepEqual([text, end.reasoningCut, end.repairs], ['Quick.', 'answer_now', []]);
  await assert.rejects(model.chat('Hi').next(), /no memory/);
});

test('a client and the options of thoughts never reach the engine as parameters', async () => {
  const options: Required<ChatOptions> = {
    ...{
      tools: [],
      builtins: ['python'],
      effort: 'low',
      identity: 'You are a bell.',
      date: null,
      knowledgeCutoff: null,
    },
    ...{ responseFormat: 'json_object', toolChoice: 'auto', maxReasoningTokens: 3, reserve: 4, loopDetection: false },
    ...{ ignoreEnd: true, truncation: 'auto', constrain: true, history: 'official', stop: 'x', client: 'me' },
    ...{ signal: new AbortController().signal, answerNow: new AbortController().signal },
    ...{ maxTokens: 50, temperature: 1, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, presencePenalty: 0 },
    ...{ frequencyPenalty: 0, logitBias: {}, seed: 1, topLogprobs: 0, trace: true },
  };
  const model = scriptedModel(tokenizer, [ANSWER]);
  await read(model.chat('Hi', options));
  const [{ params, options: submitted }] = model.engine.requests as [(typeof model.engine.requests)[0]];
  const sampling = ['maxTokens', 'temperature', 'topP', 'topK', 'minP', 'repetitionPenalty', 'presencePenalty'];
  assert.deepEqual(
    new Set(Object.keys(params)),
    new Set([
      ...sampling,
      'frequencyPenalty',
      'logitBias',
      'seed',
      'topLogprobs',
      'trace',
      'stopIds',
      'penaltyExempt',
      'constraint',
    ]),
  );
  assert.deepEqual(params.constraint, {
    ...{ tools: [], builtins: ['python'], toolChoice: 'auto', maxReasoningTokens: 3, reserve: 4, loopDetection: false },
    ...{ ignoreEnd: true, responseFormat: { type: 'json_object' }, maxTokens: 50 },
  });
  assert.equal(submitted.client, 'me');
  assert.equal(submitted.hurry, options.answerNow);
});
