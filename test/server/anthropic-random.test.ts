import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { scriptedModel } from '../../src/chat/testing.ts';
import { anthropicRoutes } from '../../src/server/routes/anthropic.ts';
import { assemble, parseEvents } from '../support/anthropic-stream.ts';
import { closeNano, nano, type TestServer, testServer } from '../support/server.ts';

const TURNS = 300;
const PIECES = [
  ...['<|start|>', '<|end|>', '<|message|>', '<|channel|>', '<|constrain|>', '<|return|>', '<|call|>'],
  ...['<|start|>assistant', '<|channel|>analysis', '<|channel|>final', '<|channel|>commentary', '<|message|>'],
  ...[
    '<|end|><|start|>assistant<|channel|>final<|message|>',
    ' to=functions.f',
    ' to=g',
    ' <|constrain|>json<|message|>',
  ],
  ...['{"a":', '1', '}', '{}', '[', ']', '"b"', ',', '```json\n', '```', ' Hello', ' there', '.', '\n', 'é🥊'],
];

/** Numbers from 0 to 1, the same for a seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = generator(20260301);
const scripts = Array.from({ length: TURNS }, () =>
  Array.from({ length: 1 + Math.floor(random() * 24) }, () => PIECES[Math.floor(random() * PIECES.length)]!).join(''),
);

let server: TestServer;
before(async () => {
  const { tokenizer } = await nano();
  const model = scriptedModel(
    tokenizer,
    scripts.flatMap((script) => [script, script]),
    { name: 'soup' },
  );
  server = await testServer({ model, groups: [anthropicRoutes] });
});
after(async () => {
  await server?.close();
  await closeNano();
});

test(`whatever the model writes, a stream is in order and says what the answer in one piece says (${TURNS} turns)`, async () => {
  const kinds = new Set<string>();
  let errors = 0;
  for (const script of scripts) {
    const body = {
      model: 'soup',
      max_tokens: 1000,
      messages: [{ role: 'user', content: 'Hi' }],
      thinking: { type: 'adaptive' },
      tools: ['f', 'g'].map((name) => ({ name, input_schema: { type: 'object' } })),
    };
    const post = async (stream: boolean) => {
      const init = { method: 'POST', body: JSON.stringify({ ...body, stream }) };
      const response = await fetch(`${server.url}/v1/messages`, init);
      const text = await response.text();
      assert.equal(response.status, 200, text);
      return text;
    };
    const whole = JSON.parse(await post(false));
    const { message, error } = assemble(parseEvents(await post(true)));
    if (error) {
      assert.match(JSON.stringify(error), /no JSON/);
      errors++;
      continue;
    }
    assert.equal(message.stop_reason, whole.stop_reason, JSON.stringify(script));
    const steady = (content: readonly Record<string, unknown>[]) =>
      content.map(({ signature: _s, id: _i, ...block }) => JSON.stringify(block));
    const shown = steady(message.content as Record<string, unknown>[]);
    const told = steady(whole.content);
    // A stream may have shown more: an answer that was taken back, a call that was cut.
    let at = 0;
    for (const block of told) {
      at = shown.indexOf(block, at) + 1;
      assert.ok(at > 0, `${JSON.stringify(script)}: ${block} is not in ${shown.join()}`);
      kinds.add(JSON.parse(block).type);
    }
  }
  assert.deepEqual([...kinds].sort(), ['text', 'thinking', 'tool_use']);
  assert.ok(errors < TURNS / 10, `${errors} errors`);
  assert.equal(server.host.leases, 0);
});
