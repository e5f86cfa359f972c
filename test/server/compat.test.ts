import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { load } from '../../src/chat/index.ts';
import { scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { ask, askStream } from '../support/ask.ts';
import { type Json, readChatStream } from '../support/chat-stream.ts';
import { assertValid, chatRun, responsesRun } from '../support/compat.ts';
import { type CompatCase, compatCases, nanoCases } from '../support/compat-cases.ts';
import { writeRandomModel } from '../support/random-model.ts';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

const ABREAST = 5;
const runs = { chat: chatRun, responses: responsesRun };

let nanoServer: TestServer;
before(async () => {
  nanoServer = await testServer();
});
after(async () => {
  await nanoServer.close();
  await closeNano();
});

/** What gpt-oss writes to such a question, and to the result. */
function script({ name, arguments: given }: CompatCase): string[] {
  const call = `<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>${JSON.stringify(given)}<|call|>`;
  return [
    `<|channel|>analysis<|message|>We need to call ${name}.<|end|><|start|>assistant${call}`,
    '<|channel|>final<|message|>It is done.<|return|>',
  ];
}

for (const [api, run] of Object.entries(runs)) {
  for (const stream of [false, true]) {
    const way = `${api}${stream ? ', streamed' : ''}`;

    test(`OpenAI's checks, ${way}: every kind of schema`, async () => {
      for (const one of compatCases) {
        const server = await testServer({ model: scriptedModel(o200kHarmony(), script(one)) });
        try {
          await run(server, one, stream);
        } finally {
          await server.close();
        }
      }
    });

    test(`OpenAI's checks, ${way}: the embedded model, ${ABREAST} at a time`, async () => {
      for (const one of nanoCases) {
        const abreast = Array.from({ length: ABREAST }, () => run(nanoServer, one, stream));
        const results = await Promise.allSettled(abreast);
        const failed = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
        assert.deepEqual(failed, [], one.question);
      }
    });
  }
}

test('a model that knows nothing calls with arguments that each schema allows', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ossia-compat-'));
  writeRandomModel(directory, 3);
  const model = await load(directory, { context: 4096 });
  const server = await testServer({ model });
  try {
    const asked = compatCases.flatMap((one) => [1, 2].map((seed) => ({ one, seed })));
    const finished = await Promise.all(asked.map(({ one, seed }) => calledBlindly(server, one, seed)));
    assert.ok(finished.filter((isWhole) => isWhole).length >= compatCases.length, 'most calls come to their end');
  } finally {
    await server.close();
    await model.close();
    rmSync(directory, { recursive: true });
  }
});

/** Whether a call came to its end; that it is valid is asserted. */
async function calledBlindly(server: TestServer, one: CompatCase, seed: number): Promise<boolean> {
  const { name, description, parameters, question } = one;
  const request = {
    messages: [{ role: 'user', content: question }],
    tools: [{ type: 'function', function: { name, description, parameters } }],
    tool_choice: 'required',
    temperature: 1.5,
    seed,
    max_tokens: 500,
    max_reasoning_tokens: 30,
  };
  const { choices } = await ask(server, '/v1/chat/completions', request);
  const [{ message, finish_reason: reason }] = choices;
  const calls: Json[] = message.tool_calls ?? [];
  assert.equal(reason, calls.length > 0 ? 'tool_calls' : 'length');
  for (const call of calls) assertValid(call.function.arguments, parameters);
  const [streamed] = readChatStream(await askStream(server, '/v1/chat/completions', request)).choices;
  assert.equal(streamed!.finishReason, reason);
  if (calls.length > 0) assert.equal(streamed!.calls[0]!.arguments, calls[0].function.arguments);
  return calls.length > 0;
}
