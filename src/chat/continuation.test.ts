import assert from 'node:assert/strict';
import { test } from 'node:test';
import { o200kHarmony } from '../tokenizer/index.ts';
import { type ContinueOptions, continueText } from './continuation.ts';
import { scriptedModel } from './testing.ts';
import type { ChatEvent } from './types.ts';

const tokenizer = o200kHarmony();

async function read(script: string | readonly number[], options: ContinueOptions = {}) {
  const model = scriptedModel(tokenizer, [script]);
  const events: ChatEvent[] = [];
  for await (const event of continueText(model, [1, 2, 3], options)) events.push(event);
  const texts = events.flatMap((event) => (event.type === 'text' ? [event.delta] : []));
  const usage = events.find((event) => event.type === 'usage');
  const end = events.at(-1);
  assert.ok(end?.type === 'end' && usage?.type === 'usage' && events.at(-2) === usage);
  return { text: texts.join(''), texts, events, usage, end, request: model.engine.requests[0]! };
}

test('ids go on as text, with their usage, and nothing is put around them', async () => {
  const { text, usage, end, request, events } = await read('one two', { temperature: 0, seed: 4 });
  assert.equal(text, 'one two');
  assert.deepEqual([usage.promptTokens, usage.outputTokens, usage.reasoningTokens], [3, 2, 0]);
  assert.deepEqual([end.reason, end.seed, end.messages], ['length', 4, []]);
  assert.deepEqual([request.prompt, request.params], [[1, 2, 3], { temperature: 0, seed: 4 }]);
  assert.ok(!events.some(({ type }) => type === 'token'), 'tokens are told only where logprobs are asked for');
});

test('characters are whole, also where control tokens stand between their tokens', async () => {
  const { texts } = await read('🙂🦄');
  assert.deepEqual(texts, ['🙂', '🦄']);
  const [half] = tokenizer.encode('🦄');
  const end = tokenizer.specials.get('<|end|>')!;
  const cut = await read([half!, end, ...tokenizer.encode('x'), half!]);
  assert.match(cut.text, /^\uFFFD+x\uFFFD+$/);
});

test('control tokens are no text, unless they are asked for by name', async () => {
  assert.equal((await read('a<|end|>b')).text, 'ab');
  assert.equal((await read('a<|end|>b', { showControls: true })).text, 'a<|end|>b');
});

test('a stop text ends the text, and the engine', async () => {
  const { text, end, usage, request } = await read('one two three four', { stop: ['zero', ' three'] });
  assert.deepEqual([text, end.reason, end.stop, usage.outputTokens], ['one two', 'stop', ' three', 3]);
  assert.equal(request.options.signal?.aborted, true);
});

test('what might have been a stop text is shown when it was none', async () => {
  const { text, end, request } = await read('one two thr', { stop: [' three'] });
  assert.deepEqual([text, end.stop], ['one two thr', undefined]);
  assert.equal(request.options.signal?.aborted, false);
});

test('tokens come before their text, and the client is named to the engine', async () => {
  const { events, request } = await read('one two', { topLogprobs: 1, client: 'ann' });
  assert.deepEqual(
    events.slice(0, 4).map(({ type }) => type),
    ['token', 'text', 'token', 'text'],
  );
  assert.equal(request.options.client, 'ann');
});

test('a signal ends it', async () => {
  const signal = AbortSignal.abort();
  assert.equal((await read('one two', { signal })).end.reason, 'cancelled');
});
