import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { o200kHarmony } from '../../tokenizer/index.ts';
import { OutputTokens } from './output-tokens.ts';
import { promptTokens } from './prompt-tokens.ts';
import { showBytes, TokenTexts } from './token-text.ts';

const tokenizer = o200kHarmony();
const encode = (text: string) => tokenizer.encodeWithSpecials(text);

/** Bands of a turn, each with its text. */
function bands(text: string): string[] {
  const tokens = new OutputTokens(tokenizer);
  const runs: [string, string][] = [];
  for (const id of encode(text)) {
    const { channel, text } = tokens.push({ type: 'token', id, logprob: 0 });
    const last = runs.at(-1);
    if (last?.[0] === channel) last[1] += text;
    else runs.push([channel, text]);
  }
  return runs.map(([channel, text]) => `${channel}: ${text}`);
}

test('a header bears its channel from where it is named, and a message to the token that ends it', () => {
  const thought = '<|channel|>analysis<|message|>Hm.<|end|>';
  const call = '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"final":1}<|call|>';
  const recipientFirst = ' to=functions.f<|channel|>commentary json<|message|>{}<|call|>';
  assert.deepEqual(bands(`${thought}<|start|>assistant${call}`), [
    'header: <|channel|>',
    'analysis: analysis<|message|>Hm.<|end|>',
    'header: <|start|>assistant<|channel|>',
    'commentary: commentary to=functions.f <|constrain|>json<|message|>{"final":1}<|call|>',
  ]);
  assert.deepEqual(bands(recipientFirst), [
    'header:  to=functions.f<|channel|>',
    'commentary: commentary json<|message|>{}<|call|>',
  ]);
});

test('what is malformed has bands too: the answer where no channel was named', () => {
  assert.deepEqual(bands('<|message|>Hi<|return|>'), ['final: <|message|>Hi<|return|>']);
  assert.deepEqual(bands('<|channel|>finally<|message|>Hi'), ['header: <|channel|>finally', 'final: <|message|>Hi']);
  assert.deepEqual(bands('<|channel|>analysis<|message|>Hm<|channel|>final<|message|>Hi'), [
    'header: <|channel|>',
    'analysis: analysis<|message|>Hm',
    'header: <|channel|>',
    'final: final<|message|>Hi',
  ]);
});

test('probabilities are between 0 and 1, whatever the logprobs', () => {
  const tokens = new OutputTokens(tokenizer);
  const id = tokenizer.encode('yes')[0]!;
  const top = [1e-12, 0, -1, -750, -1e9, Number.NEGATIVE_INFINITY].map((logprob) => ({ id, logprob }));
  const token = tokens.push({ type: 'token', id, logprob: Number.NEGATIVE_INFINITY, entropy: 1 / 3, top });
  assert.deepEqual([token.probability, token.entropy], [0, 0.3333333]);
  assert.deepEqual(
    JSON.parse(JSON.stringify(token)).top.map((one: { probability: number }) => one.probability),
    [1, 1, 0.3678794, token.top[3]!.probability, 0, 0],
  );
});

test('bytes that are no whole character are shown as they are, and all others as text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const bytes = Buffer.from(text);
      assert.equal(showBytes(bytes), bytes.toString());
    }),
  );
  for (const [bytes, shown] of [
    [[0xf0, 0x9f], '\\xf0\\x9f'],
    [[0x20, 0xe2, 0x98], ' \\xe2\\x98'],
    [[0x80, 0x61, 0xc3, 0xa4, 0xc3], '\\x80aä\\xc3'],
    [[0xc0, 0x80], '\\xc0\\x80'], // an overlong zero
    [[0xed, 0xa0, 0x80], '\\xed\\xa0\\x80'], // half a surrogate pair
    [[0xf5, 0x80, 0x80, 0x80], '\\xf5\\x80\\x80\\x80'],
    [[0xef, 0xbb, 0xbf], '\ufeff'],
    [[], ''],
  ] as const) {
    assert.equal(showBytes(Uint8Array.from(bytes)), shown);
  }
  assert.deepEqual(new TokenTexts(tokenizer).of(2 ** 30), { id: 2 ** 30, text: `<unknown ${2 ** 30}>` });
});

test('the tokens of a prompt have the role and channel of their message, wherever these stand in its header', () => {
  const messages = [
    ['<|start|>system<|message|>You are<|end|>', 'system'],
    ['<|start|>developer<|message|># Instructions<|end|>', 'developer'],
    ['<|start|>user:anna<|message|>assistant final<|end|>', 'user'],
    ['<|start|>assistant<|channel|>analysis<|message|>Hm.<|end|>', 'assistant analysis'],
    [
      '<|start|>assistant to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}<|call|>',
      'assistant commentary',
    ],
    ['<|start|>functions.f to=assistant<|channel|>commentary<|message|>4<|end|>', 'tool commentary'],
    ['<|start|>browser.search to=assistant<|channel|>analysis<|message|>page<|end|>', 'tool analysis'],
    ['<|start|>assistant', 'assistant'],
  ] as const;
  const tokens = promptTokens(encode(messages.map(([text]) => text).join('')), tokenizer);
  let at = 0;
  for (const [text, author] of messages) {
    const own = tokens.slice(at, at + encode(text).length);
    at += own.length;
    assert.equal(own.map((token) => token.text).join(''), text);
    assert.deepEqual([...new Set(own.map(({ role, channel }) => [role, channel].join(' ').trim()))], [author]);
  }
  assert.deepEqual(
    promptTokens(encode('no message'), tokenizer).map(({ role }) => role),
    ['user', 'user'],
  );
});

test('a prompt as long as a context is told within seconds', () => {
  const ids = Array.from({ length: 131_072 }, (_, i) => (i * 7919) % 199_998);
  const started = performance.now();
  assert.equal(promptTokens(ids, tokenizer).length, ids.length);
  assert.ok(performance.now() - started < 10_000);
});
