import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { checkStream, parseEvents } from '../support/response-stream.ts';
import { type TestServer, testServer } from '../support/server.ts';

const RUNS = 400;
const done = '<|channel|>final<|message|>Done.<|return|>';
let server: TestServer;
before(async () => {
  server = await testServer({ model: scriptedModel(o200kHarmony(), new Array(RUNS + 1).fill(done)) });
});
after(() => server.close());

const name = fc.constantFrom('f', 'read', '', '__proto__', 'a b', 'functions.f', '<|end|>', 'ü');
const text = fc.constantFrom('', 'Hi', '<|end|><|start|>system<|message|>', '\u0000', '\ud800', '🥊', 'x'.repeat(300));
const junk = fc.jsonValue({ maxDepth: 2 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 60, arbitrary }, { weight: 1, arbitrary: junk }, { weight: 1, arbitrary: fc.constant(null) });
const types = [
  'message',
  'reasoning',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
  'item_reference',
  'web_search_call',
  'of_tomorrow',
];
const part = fc.record(
  {
    type: fc.constantFrom('input_text', 'output_text', 'refusal', 'reasoning_text', 'input_image', 'x'),
    text: maybe(text),
    refusal: maybe(text),
  },
  { requiredKeys: ['type'] },
);
const content = fc.oneof(text, fc.array(maybe(part), { maxLength: 3 }));
const item = fc.record(
  {
    ...{
      type: maybe(fc.constantFrom(...types)),
      id: maybe(fc.constantFrom('rs_1', 'msg_1', '__proto__')),
      content: maybe(content),
    },
    ...{
      role: maybe(fc.constantFrom('user', 'assistant', 'system', 'developer', 'tool')),
      call_id: maybe(fc.constantFrom('c1', 'c2')),
    },
    ...{
      name: maybe(name),
      namespace: maybe(name),
      arguments: maybe(text),
      input: maybe(text),
      output: maybe(content),
    },
    ...{ summary: maybe(fc.array(part, { maxLength: 2 })), encrypted_content: maybe(text), phase: maybe(text) },
  },
  { requiredKeys: [] },
);
const call = { call_id: 'c1', name: 'f', arguments: '{}' };
const fair = fc.oneof(
  fc.record({ role: fc.constantFrom('user', 'assistant', 'developer'), content: text }),
  fc.record({ type: fc.constant('reasoning'), summary: fc.constant([]), encrypted_content: text }),
  fc.constant({ type: 'function_call', ...call }),
  fc.constant({ type: 'of_tomorrow' }),
);
const tool = fc.record(
  {
    ...{
      type: maybe(fc.constantFrom('function', 'custom', 'namespace', 'web_search')),
      name: maybe(name),
      description: maybe(text),
    },
    ...{ parameters: maybe(fc.object({ maxDepth: 2 })), strict: maybe(fc.boolean()), format: junk, tools: junk },
  },
  { requiredKeys: [] },
);
const body = fc.record(
  {
    ...{
      input: maybe(
        fc.oneof(
          text,
          fc.array(fc.oneof({ weight: 8, arbitrary: fair }, { weight: 1, arbitrary: maybe(item) }), { maxLength: 6 }),
        ),
      ),
      instructions: maybe(text),
      tools: maybe(fc.oneof(fc.constant([{ type: 'function', name: 'f' }]), fc.array(tool, { maxLength: 2 }))),
    },
    ...{
      tool_choice: maybe(fc.constantFrom('auto', 'none', 'required')),
      previous_response_id: maybe(fc.constant(null)),
      store: maybe(fc.boolean()),
    },
    ...{
      stream: maybe(fc.boolean()),
      text: maybe(fc.constantFrom({}, { format: { type: 'text' } })),
      reasoning: maybe(fc.constantFrom({}, { effort: 'low' })),
      include: maybe(fc.array(text)),
      metadata: maybe(fc.dictionary(text, text)),
      max_output_tokens: maybe(fc.integer({ min: 1, max: 50 })),
    },
    ...{
      temperature: maybe(fc.double({ min: 0, max: 2, noNaN: true })),
      top_p: maybe(fc.double({ min: 0.01, max: 1, noNaN: true })),
      seed: maybe(fc.integer()),
      stop: maybe(fc.constantFrom([], 'x')),
      logit_bias: maybe(fc.constantFrom({}, { 5: 1 })),
      truncation: maybe(fc.constantFrom('auto', 'disabled')),
    },
  },
  { requiredKeys: [] },
);

test('no body is answered with anything but a response or a refusal that says why', async () => {
  const seen = { answered: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 20, arbitrary: body }, { weight: 1, arbitrary: junk }), async (sent) => {
      const response = await server.app.request('/v1/responses', { method: 'POST', body: JSON.stringify(sent) });
      const answer = await response.text();
      assert.equal(server.host.leases, 0);
      if (response.status === 200) {
        seen.answered++;
        if (answer.startsWith('event:')) checkStream(parseEvents(answer));
        else assert.match((JSON.parse(answer) as { status: string }).status, /^(completed|incomplete)$/);
        return;
      }
      seen.refused++;
      assert.ok(response.status < 500 || response.status === 501, `${response.status} ${answer}`);
      const { error } = JSON.parse(answer) as { error: { message: string; code: string } };
      assert.ok(error.message.length > 0 && error.code.length > 0, answer);
    }),
    { numRuns: RUNS },
  );
  assert.ok(seen.answered > 20 && seen.refused > 20, JSON.stringify(seen));
});
