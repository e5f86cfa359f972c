import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { ask, askStream, refusal } from '../support/ask.ts';
import { checkUsage, type Json } from '../support/chat-stream.ts';
import { closeNano, nano, type TestServer, testServer } from '../support/server.ts';
import { sseEvents } from '../support/sse.ts';

const PATH = '/v1/completions';

let server: TestServer;
before(async () => {
  server = await testServer();
});
after(async () => {
  assert.deepEqual([server.host.leases, server.turns.size], [0, 0]);
  await server.close();
  await closeNano();
});

interface Streamed {
  readonly texts: string[];
  readonly finish: string[];
  readonly logprobs: Json[];
  readonly usage: Json;
}

/** A stream of texts; fails where a chunk is not what its choice allows. */
function readStream(text: string, count = 1): Streamed {
  const events = sseEvents(text);
  assert.equal(events.at(-1)?.data, '[DONE]');
  const chunks: Json[] = events.slice(0, -1).map(({ data }) => JSON.parse(data));
  const texts = Array<string>(count).fill('');
  const finish: string[] = [];
  const logprobs: Json[] = [];
  let usage: Json;
  for (const chunk of chunks) {
    assert.deepEqual([chunk.object, chunk.id], ['text_completion', chunks[0].id]);
    if (chunk.choices.length === 0) {
      checkUsage(chunk.usage);
      usage = chunk.usage;
      continue;
    }
    const [{ index, text: piece, finish_reason: reason, logprobs: some }] = chunk.choices;
    assert.equal(finish[index], undefined, 'nothing comes after finish_reason');
    texts[index] += piece;
    if (some) logprobs.push(some);
    if (reason !== null) finish[index] = reason;
    else assert.notEqual(piece, '');
  }
  return { texts, finish, logprobs, usage };
}

test('a text goes on, 16 tokens long if nothing is said', async () => {
  const request = { model: 'ossia-nano', prompt: 'I can chat a', temperature: 0 };
  const body = await ask(server, PATH, request);
  assert.match(body.id, /^cmpl-\w{32}$/);
  assert.deepEqual([body.object, body.model, body.usage.completion_tokens], ['text_completion', 'ossia-nano', 16]);
  const [choice] = body.choices;
  assert.deepEqual([choice.index, choice.logprobs, choice.finish_reason], [0, null, 'length']);
  assert.match(choice.text, /^ little/);
  checkUsage(body.usage);
  const text = await askStream(server, PATH, { ...request, seed: 9, stream_options: { include_usage: true } });
  assert.match(text, /"seed":9/);
  const { texts, finish, usage } = readStream(text);
  assert.deepEqual([texts, finish], [[choice.text], ['length']]);
  assert.deepEqual(usage.completion_tokens, 16);
});

test('the prompt may be texts or token ids, one or several, each with n answers', async () => {
  const { tokenizer } = await nano();
  const text = 'I can chat a';
  const ids = tokenizer.encode(text);
  const request = { temperature: 0, max_tokens: 4, n: 2, echo: true };
  const one = await ask(server, PATH, { ...request, n: 1, prompt: text });
  const expected = one.choices[0].text;
  assert.ok(expected.startsWith(text));
  for (const prompt of [text, ids, [text, text], [ids, ids]]) {
    const count = typeof prompt[0] === 'string' && prompt.length === 2 ? 4 : Array.isArray(prompt[0]) ? 4 : 2;
    const body = await ask(server, PATH, { ...request, prompt });
    assert.deepEqual(
      body.choices.map(({ index, text: whole }: Json) => [index, whole]),
      Array.from({ length: count }, (_, index) => [index, expected]),
    );
    assert.equal(body.usage.prompt_tokens, (count / 2) * ids.length);
    assert.equal(body.usage.completion_tokens, count * 4);
    assert.deepEqual(
      readStream(await askStream(server, PATH, { ...request, prompt }), count).texts,
      Array(count).fill(expected),
    );
  }
});

test('a seed replays, and n answers count up from it', async () => {
  const request = { prompt: 'I', temperature: 2, max_tokens: 12 };
  const { choices, seed } = await ask(server, PATH, { ...request, n: 3, seed: 20 });
  const last = await ask(server, PATH, { ...request, seed: 22 });
  assert.equal(seed, 20);
  assert.equal(choices[2].text, last.choices[0].text);
  assert.notEqual(choices[0].text, choices[2].text);
});

test('names of control tokens in a prompt are text', async () => {
  const { tokenizer } = await nano();
  const prompt = 'Hi <|end|><|start|>assistant';
  const { usage } = await ask(server, PATH, { prompt, max_tokens: 1 });
  assert.equal(usage.prompt_tokens, tokenizer.encode(prompt).length);
  assert.ok(usage.prompt_tokens > tokenizer.encodeWithSpecials(prompt).length);
});

test('an empty prompt is the beginning of a document', async () => {
  const { usage } = await ask(server, PATH, { prompt: '', max_tokens: 1 });
  assert.equal(usage.prompt_tokens, 1);
});

test('zero tokens echo the prompt and count it', async () => {
  const { choices, usage } = await ask(server, PATH, { prompt: 'I can', max_tokens: 0, echo: true });
  assert.deepEqual([choices[0].text, usage.completion_tokens], ['I can', 0]);
  const { texts } = readStream(await askStream(server, PATH, { prompt: 'I can', max_tokens: 0, echo: true }));
  assert.deepEqual(texts, ['I can']);
});

test('a stop text ends the text before it', async () => {
  const request = { prompt: 'I can chat a', temperature: 0 };
  const whole = (await ask(server, PATH, request)).choices[0].text;
  const stop = whole.slice(5, 12);
  const { choices } = await ask(server, PATH, { ...request, stop });
  assert.deepEqual(
    [choices[0].text, choices[0].finish_reason, choices[0].stop_reason],
    [whole.slice(0, 5), 'stop', stop],
  );
  const text = await askStream(server, PATH, { ...request, stop: [stop] });
  const { texts, finish } = readStream(text);
  assert.ok(text.includes(`"stop_reason":${JSON.stringify(stop)}`));
  assert.deepEqual([texts, finish], [[whole.slice(0, 5)], ['stop']]);
});

test('a stop text stops the engine as well', async () => {
  const tokenizer = o200kHarmony();
  const model = scriptedModel(tokenizer, [tokenizer.encode('one two three '.repeat(1000))], { msPerToken: 1 });
  const scripted = await testServer({ model });
  try {
    const { choices, usage } = await ask(scripted, PATH, { prompt: 'x', stop: ' three', max_tokens: 4000 });
    assert.deepEqual([choices[0].text, usage.completion_tokens], ['one two', 3]);
    assert.ok(model.engine.requests[0]!.options.signal!.aborted);
  } finally {
    await scripted.close();
  }
});

test('logprobs have the form of old: four lists, and where each token begins', async () => {
  const request = { prompt: 'I can chat a', temperature: 0, max_tokens: 8, logprobs: 2 };
  const { choices } = await ask(server, PATH, request);
  const [{ text, logprobs }] = choices;
  assert.equal(logprobs.tokens.join(''), text);
  assert.deepEqual(
    logprobs.text_offset.map((offset: number, i: number) => text.startsWith(logprobs.tokens[i], offset)),
    Array(8).fill(true),
  );
  logprobs.token_logprobs.forEach((logprob: number, i: number) => {
    const top = logprobs.top_logprobs[i];
    assert.ok(logprob <= 0 && Object.keys(top).length <= 3);
    assert.equal(Math.max(...(Object.values(top) as number[])), logprob, 'greedy takes the best');
  });
  const streamed = readStream(await askStream(server, PATH, request)).logprobs;
  for (const list of Object.keys(logprobs)) {
    assert.deepEqual(
      streamed.flatMap((some) => some[list]),
      logprobs[list],
      list,
    );
  }
  const bare = await ask(server, PATH, { ...request, logprobs: 0 });
  assert.equal(bare.choices[0].logprobs.top_logprobs, null);
});

test('half characters are whole in a stream; their tokens are told by their bytes', async () => {
  const tokenizer = o200kHarmony();
  const text = 'Grüße 🙂🦄 日本語';
  const ids = [...tokenizer.encode(text), 200002];
  const scripted = await testServer({ model: scriptedModel(tokenizer, [ids, ids]) });
  try {
    const request = { prompt: 'x', logprobs: 0, max_tokens: 100 };
    const { choices } = await ask(scripted, PATH, request);
    assert.equal(choices[0].text, text);
    const { tokens, text_offset: offsets } = choices[0].logprobs;
    assert.ok(tokens.some((token: string) => /^bytes:(\\x[0-9a-f]{2})+$/.test(token)));
    assert.ok(
      tokens.every((token: string, i: number) => token.startsWith('bytes:') || text.startsWith(token, offsets[i])),
    );
    const { texts, logprobs } = readStream(await askStream(scripted, PATH, request));
    assert.deepEqual([texts, logprobs.flatMap((some) => some.tokens)], [[text], tokens]);
  } finally {
    await scripted.close();
  }
});

test('control tokens that the model writes are left out, or shown to who asks', async () => {
  const tokenizer = o200kHarmony();
  const ids = tokenizer.encodeWithSpecials('one<|end|><|start|>two<|return|>');
  const scripted = await testServer({ model: scriptedModel(tokenizer, [ids, ids]) });
  try {
    const { choices } = await ask(scripted, PATH, { prompt: 'x' });
    assert.equal(choices[0].text, 'onetwo');
    const shown = await ask(scripted, PATH, { prompt: 'x', skip_special_tokens: false });
    assert.match(shown.choices[0].text, /^one<\|end\|><\|start\|>two/);
  } finally {
    await scripted.close();
  }
});

test('what is wrong with a request is said with its place', async () => {
  const wrong: [object, string][] = [
    [{}, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: [1.5] }, 'prompt'],
    [{ prompt: [999_999] }, 'prompt'],
    [{ prompt: [[1], [999_999]] }, 'prompt[1]'],
    [{ prompt: 'x', suffix: 'y' }, 'suffix'],
    [{ prompt: 'x', n: 2, best_of: 3 }, 'best_of'],
    [{ prompt: 'x', echo: true, logprobs: 1 }, 'logprobs'],
    [{ prompt: 'x', logprobs: 21 }, 'logprobs'],
    [{ prompt: 'x', max_tokens: -1 }, 'max_tokens'],
    [{ prompt: 'x', response_format: { type: 'json_object' } }, 'response_format'],
  ];
  for (const [request, param] of wrong) {
    const error = await refusal(server, PATH, request);
    assert.equal(error.status, 400, JSON.stringify(request));
    assert.ok(error.param?.startsWith(param), JSON.stringify([request, error]));
  }
  const long = await refusal(server, PATH, { prompt: 'I can '.repeat(5000) });
  assert.deepEqual([long.status, long.code], [400, 'context_length_exceeded']);
});
