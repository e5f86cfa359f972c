import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { type ChatStream, type Json, readChatStream } from '../support/chat-stream.ts';
import { malformedTurns, STOPS } from '../support/malformed.ts';
import { testServer } from '../support/server.ts';

const tokenizer = o200kHarmony();

interface Ask {
  readonly tokens: readonly number[];
  readonly tools: readonly Json[];
}

/** The same turn, as one answer and as a stream. */
async function bothWays({ tokens, tools }: Ask): Promise<{ body: Json; stream: ChatStream }> {
  const server = await testServer({ model: scriptedModel(tokenizer, [tokens, tokens]) });
  const ask = async (more: object) => {
    const request = { messages: [{ role: 'user', content: 'Go.' }], tools, ...more };
    const response = await server.app.request('/v1/chat/completions', {
      method: 'POST',
      body: JSON.stringify(request),
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
  };
  try {
    const body = JSON.parse(await ask({}));
    const stream = readChatStream(await ask({ stream: true, stream_options: { include_usage: true } }), {
      usage: true,
      jsonArguments: false,
    });
    assert.equal(stream.error, undefined);
    assert.equal(server.host.leases, 0);
    return { body, stream };
  } finally {
    await server.close();
  }
}

/** What stands behind a stop token no engine would have sampled. */
function isOneGeneration({ tokens }: { tokens: readonly number[] }): boolean {
  return tokens.findIndex((id) => STOPS.has(id)) >= tokens.length - 1 || !tokens.some((id) => STOPS.has(id));
}

/** A function whose schema is a text is what the API calls a custom tool. */
function toTool({ name, parameters }: { name: string; parameters: Json }): Json {
  if (parameters?.type === 'string') return { type: 'custom', custom: { name } };
  return { type: 'function', function: { name, parameters } };
}

const joined = (turn: readonly { surface: string; content: string }[], surface: string) =>
  turn
    .filter((message) => message.surface === surface)
    .map(({ content }) => content)
    .join('\n\n');

for (const { id, tokens, tools, finish, expected } of malformedTurns().filter(isOneGeneration)) {
  test(`malformed turn ${id}: answers and streams what was meant`, async () => {
    const { body, stream } = await bothWays({ tokens, tools: tools.map(toTool) });
    const [{ message, finish_reason: reason }] = body.choices;
    const complete = expected.filter(({ surface, incomplete }) => surface === 'tool_call' && !incomplete);
    const cut = expected.filter(({ surface, incomplete }) => surface === 'tool_call' && incomplete);

    assert.equal(message.content ?? '', joined(expected, 'text'));
    assert.equal(message.reasoning ?? '', joined(expected, 'reasoning'));
    assert.equal(message.reasoning_content, message.reasoning);
    const calls = (message.tool_calls ?? []).map(({ function: called, custom }: Json) =>
      called ? [called.name, called.arguments] : [custom.name, custom.input],
    );
    assert.deepEqual(
      calls,
      complete.map(({ tool, content }) => [tool, content || '{}']),
    );
    const whole = finish === 'stop' && cut.length === 0;
    assert.equal(reason, complete.length > 0 && finish === 'stop' ? 'tool_calls' : whole ? 'stop' : 'length');

    const [choice] = stream.choices;
    assert.equal(choice!.finishReason, reason);
    assert.equal(choice!.reasoning, message.reasoning ?? '');
    const streamed = choice!.calls.map(({ name, arguments: given }) => [name, given]);
    assert.deepEqual(streamed.slice(0, calls.length), calls);
    assert.equal(streamed.length, calls.length + cut.length);
    // What was retracted cannot be taken out of a stream.
    if (complete.length === 0) assert.equal(choice!.content, message.content ?? '');
  });
}

/** Turns of control tokens and scraps in any order: most are malformed. */
const scraps = [
  ...[
    'analysis',
    'final',
    'commentary',
    ' to=functions.f',
    ' json',
    'Hello',
    ' – ',
    '{"a":',
    '1}',
    '```',
    '\n',
    '🙂',
    'to=g',
  ],
].map((text) => tokenizer.encode(text));
const controls = ['<|start|>', '<|channel|>', '<|message|>', '<|end|>', '<|constrain|>', '<|call|>', '<|return|>'].map(
  (name) => [tokenizer.specials.get(name)!],
);
const header = (text: string) => fc.constant(tokenizer.encodeWithSpecials(text));
const randomTurn = fc
  .array(
    fc.oneof(
      fc.constantFrom(...scraps),
      fc.constantFrom(...controls),
      header('<|channel|>analysis<|message|>'),
      header('<|end|><|start|>assistant<|channel|>final<|message|>'),
      header('<|end|><|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a":'),
    ),
    { maxLength: 24 },
  )
  .map((pieces) => pieces.flat());

test('whatever a model writes, the stream is well-formed and says what the answer says', async () => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];
  await fc.assert(
    fc.asyncProperty(randomTurn, async (tokens) => {
      const { body, stream } = await bothWays({ tokens, tools });
      const [{ message, finish_reason: reason }] = body.choices;
      const [choice] = stream.choices;
      assert.equal(choice!.finishReason, reason);
      assert.equal(plain(choice!.reasoning), plain(message.reasoning ?? ''));
      const calls = (message.tool_calls ?? []).map((call: Json) => call.function);
      // Of a call that was cut before its arguments began, nothing was sent.
      const cut = (body.ossia?.cut_calls ?? []).filter((call: Json) => call.arguments !== '');
      assert.deepEqual(
        new Set(choice!.calls.map(({ name, arguments: given }) => `${name} ${given || '{}'}`)),
        new Set([...calls, ...cut].map(({ name, arguments: given }: Json) => `${name} ${given || '{}'}`)),
      );
      if (calls.length === 0) assert.equal(plain(choice!.content), plain(message.content ?? ''));
    }),
    { numRuns: 300 },
  );
});

/** Messages that are empty leave paragraphs that are empty. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
