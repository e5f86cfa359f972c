import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { o200kHarmony } from '../tokenizer/index.ts';
import { messageToJson } from './conversation-json.ts';
import { parse } from './official-parser.ts';
import { recover } from './recovery/parser.ts';
import { render } from './render.ts';
import type { TextMessage } from './types.ts';

const tokenizer = o200kHarmony();
const tools = [
  { name: 'get_tide', parameters: { type: 'object', properties: { port: { type: 'string' } } } },
  { name: 'patch', parameters: { type: 'string' } },
];
const text = fc.string({ unit: 'grapheme', maxLength: 40 });

/** Messages as a well-behaved model writes them. */
const message: fc.Arbitrary<TextMessage> = fc.oneof(
  text.map((content): TextMessage => ({ role: 'assistant', channel: 'analysis', content })),
  text.map((content): TextMessage => ({ role: 'assistant', channel: 'commentary', content })),
  text.map((content): TextMessage => ({ role: 'assistant', channel: 'final', content })),
  fc
    .record({
      channel: fc.constantFrom('analysis', 'commentary'),
      contentType: fc.constantFrom('<|constrain|>json', 'json', 'code'),
      port: text,
    })
    .map(({ channel, contentType, port }): TextMessage => {
      const content = JSON.stringify({ port });
      return { role: 'assistant', channel, recipient: 'functions.get_tide', contentType, content };
    }),
  text.map(
    (content): TextMessage => ({ role: 'assistant', channel: 'commentary', recipient: 'functions.patch', content }),
  ),
  text.map(
    (content): TextMessage => ({
      role: 'assistant',
      channel: 'analysis',
      recipient: 'python',
      contentType: 'code',
      content,
    }),
  ),
);

const turn = fc.array(message, { minLength: 1, maxLength: 5 });
const callOrder = fc.constantFrom('official' as const, 'model' as const);

test('what is rendered parses to the same messages, officially and with recovery, without a repair', () => {
  fc.assert(
    fc.property(turn, callOrder, (messages, order) => {
      const ids = render({ messages }, tokenizer, { mode: 'conversation', history: 'keep', callOrder: order });
      const behindPrompt = ids.slice(2); // <|start|>assistant is the prompt's
      const expected = messages.map(messageToJson);
      assert.deepEqual(parse(behindPrompt, tokenizer, { role: 'assistant' }).map(messageToJson), expected);
      const recovered = recover(behindPrompt, tokenizer, { tools, builtins: ['python'] });
      assert.deepEqual(recovered.repairs, []);
      assert.deepEqual(recovered.messages.map(messageToJson), expected);
    }),
    { numRuns: 1000, seed: 3 },
  );
});

test('recovered messages render to the ids that were sampled', () => {
  fc.assert(
    fc.property(turn, callOrder, (messages, order) => {
      const options = { mode: 'conversation', history: 'keep' } as const;
      const ids = render({ messages }, tokenizer, { ...options, callOrder: order });
      const recovered = recover(ids.slice(2), tokenizer, { tools, builtins: ['python'] });
      assert.deepEqual(render({ messages: recovered.messages }, tokenizer, options), ids);
    }),
    { numRuns: 300, seed: 4 },
  );
});
