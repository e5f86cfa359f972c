import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { malformedTurns, STOPS } from '../support/malformed.ts';
import { checkStream, parseEvents, type WireEvent } from '../support/response-stream.ts';
import { testServer } from '../support/server.ts';

const tokenizer = o200kHarmony();

type Json = Record<string, unknown>;
interface Item extends Json {
  type: string;
  status: string;
  content: { text: string }[];
}

/** The same turn in one piece, and as a checked stream. */
async function bothWays(tokens: readonly number[], tools: readonly Json[] = []) {
  const server = await testServer({ model: scriptedModel(tokenizer, [tokens, tokens]) });
  const ask = async (more: object) => {
    const body = JSON.stringify({ input: 'Go.', tools, reasoning: { summary: 'auto' }, ...more });
    const response = await server.app.request('/v1/responses', { method: 'POST', body });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
  };
  try {
    const whole = JSON.parse(await ask({})) as Json;
    const events = parseEvents(await ask({ stream: true }));
    const streamed = checkStream(events);
    assert.equal(server.host.leases, 0);
    return { whole, streamed, events };
  } finally {
    await server.close();
  }
}

/** What stands behind a stop token no engine would have sampled. */
function isOneGeneration({ tokens }: { tokens: readonly number[] }): boolean {
  const stop = tokens.findIndex((id) => STOPS.has(id));
  return stop < 0 || stop === tokens.length - 1;
}

function toTool({ name, parameters }: { name: string; parameters: { type?: unknown } }): Json {
  return parameters?.type === 'string' ? { type: 'custom', name } : { type: 'function', name, parameters };
}

/** What an item says, without its ids. */
function said(item: Item): unknown[] {
  const { type, content, name, input, status } = item;
  if (type === 'function_call' || type === 'custom_tool_call') return [type, name, item.arguments ?? input, status];
  return [type, content.map(({ text }) => text).join(''), status];
}

/** An item that was taken back leaves its place in a stream, empty. */
const isEmpty = ([type, text]: unknown[]) => (type === 'message' || type === 'reasoning') && text === '';
const output = (response: Json) => (response.output as Item[]).map(said);

const withoutEmpty = (response: Json) => output(response).filter((item) => !isEmpty(item));

/** All texts of a stream that somebody might show. */
function shown(events: readonly WireEvent[]): string {
  return events.map(({ delta, text, arguments: written, input }) => [delta, text, written, input].join('')).join('');
}

const MARKUP = /<\|(start|end|message|channel|constrain|return|call)\|>/;

for (const { id, tokens, tools, expected } of malformedTurns().filter(isOneGeneration)) {
  test(`malformed turn ${id}: an orderly stream of what was meant`, async () => {
    const { whole, streamed, events } = await bothWays(tokens, tools.map(toTool));
    const meant = expected
      .filter(({ surface, content }) => surface === 'tool_call' || content !== '')
      .map(({ surface, content, tool, incomplete }) => {
        const status = incomplete ? 'incomplete' : 'completed';
        if (surface === 'reasoning') return ['reasoning', content, status];
        if (surface === 'text') return ['message', content, status];
        const isCustom = tools.some(({ name, parameters }) => name === tool && parameters?.type === 'string');
        if (isCustom) return ['custom_tool_call', tool, content, status];
        return ['function_call', tool, content === '' && !incomplete ? '{}' : content, status];
      });
    assert.deepEqual(
      output(whole).filter((item) => !isEmpty(item)),
      meant,
    );
    assert.deepEqual(withoutEmpty(streamed), meant);
    const quoted = expected.some(({ content }) => MARKUP.test(content)); // some speak about markup
    if (!quoted) assert.doesNotMatch(shown(events), MARKUP);
  });
}

test('an answer that turns out to be a call is taken back: its item ends empty, and the call follows', async () => {
  const parameters = { type: 'object', properties: { port: { type: 'string' } }, required: ['port'] };
  const tokens = tokenizer.encodeWithSpecials('<|channel|>final<|message|>{"port": "Brest"}<|call|>');
  const { whole, streamed, events } = await bothWays(tokens, [{ type: 'function', name: 'get_tide', parameters }]);
  const call = ['function_call', 'get_tide', '{"port": "Brest"}', 'completed'];
  assert.deepEqual(output(whole), [call]);
  assert.deepEqual(output(streamed), [['message', '', 'incomplete'], call]);
  assert.ok(
    events.some(({ type }) => type === 'response.output_text.delta'),
    'it had been shown',
  );
});

test('whatever the model writes, the stream is in order and says what the response says', async () => {
  const control = [
    ...[...STOPS].map(Number),
    ...['<|start|>', '<|end|>', '<|message|>', '<|channel|>', '<|constrain|>'].flatMap(
      (name) => tokenizer.specials.get(name) ?? [],
    ),
  ];
  const words = [
    'assistant',
    'analysis',
    'commentary',
    'final',
    ' to=functions.f',
    ' to=g',
    'json',
    '{"a":',
    ' 1}',
    '{}',
    '[{',
    '}]',
    '```',
    '\n',
    'é',
    '🥊',
    ' hello',
  ];
  const pieces = [...control.map((token) => [token]), ...words.map((word) => tokenizer.encode(word))];
  const headers = [
    '<|channel|>analysis<|message|>',
    '<|channel|>final<|message|>',
    '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a": 1',
    '<|end|><|start|>assistant',
  ];
  const all = [...pieces, ...headers.map((text) => tokenizer.encodeWithSpecials(text))];
  const turns = fc.array(fc.constantFrom(...all), { minLength: 1, maxLength: 25 }).map((parts) => parts.flat());
  const blankCall = tokenizer.encodeWithSpecials(' to=functions.f<|channel|>commentary<|message|>\n<|call|>');
  const tools = [
    { type: 'function', name: 'f', parameters: { type: 'object' } },
    { type: 'custom', name: 'g' },
  ];
  await fc.assert(
    fc.asyncProperty(turns, async (tokens) => {
      const { whole, streamed } = await bothWays(tokens, tools);
      assert.deepEqual(withoutEmpty(streamed), withoutEmpty(whole));
    }),
    { numRuns: 200, examples: [[blankCall]] },
  );
});
