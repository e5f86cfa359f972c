import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore, type ResponseStore, Responses, Turns } from '../../src/api/index.ts';
import { OssiaError } from '../../src/base/index.ts';
import { LoadedModel, TurnMemory } from '../../src/chat/index.ts';
import { scriptedModel } from '../../src/chat/testing.ts';
import type { Engine, GenerateEvent } from '../../src/engine/index.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { ResponsesClient } from '../support/responses-client.ts';
import { TestHost, testServer } from '../support/server.ts';

const tokenizer = o200kHarmony();
const turn =
  '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>One two three.<|return|>';
const { info } = scriptedModel(tokenizer, []);

/** Says some of its turn, and then the engine breaks. */
function breakingModel(tokens: number, error: Error): LoadedModel {
  const ids = tokenizer.encodeWithSpecials(turn).slice(0, tokens);
  async function* submit(): AsyncGenerator<GenerateEvent> {
    for (const id of ids) yield { type: 'token', id, logprob: 0 };
    throw error;
  }
  const engine: Engine = { submit, close: async () => {} };
  return new LoadedModel(engine, tokenizer, info);
}

async function withServer(
  model: LoadedModel,
  use: (client: ResponsesClient, reported: unknown[]) => Promise<void>,
  store: ResponseStore = new MemoryStore(),
): Promise<void> {
  const host = new TestHost({ scripted: model });
  const turns = new Turns({ memory: new TurnMemory() });
  const reported: unknown[] = [];
  const responses = new Responses({ host, turns, store, report: (error) => reported.push(error) });
  const server = await testServer({ model, context: { host, turns, responses } });
  try {
    await use(new ResponsesClient(server), reported);
    assert.equal(host.leases, 0, 'the lease is released');
  } finally {
    await server.close();
  }
}

/** What agents know and act on. */
const codes: readonly [error: Error, code: string, message: RegExp][] = [
  [new OssiaError('engine/context-full', 'No room'), 'context_length_exceeded', /No room/],
  [new OssiaError('engine/queue-full', 'Many wait'), 'server_is_overloaded', /try again in \d+s/],
  [
    new OssiaError('server/too-many-requests', 'Slow down', { details: { retryAfterSeconds: 7 } }),
    'rate_limit_exceeded',
    /try again in 7s/,
  ],
  [new TypeError('a secret of the server'), 'server_error', /^(?!.*secret)/],
];

for (const [error, code, message] of codes) {
  test(`a turn that breaks in the middle ends its stream with response.failed: ${code}`, async () => {
    await withServer(breakingModel(12, error), async (client, reported) => {
      const { events, response } = await client.stream({ input: 'Go' });
      assert.equal(events.at(-1)?.type, 'response.failed');
      const failure = response.error as { code: string; message: string };
      assert.equal(failure.code, code);
      assert.match(failure.message, message);
      assert.deepEqual(reported, [error]);
      assert.deepEqual(await client.json(`/${response.id}`), response, 'and is kept as failed');
    });
  });
}

test('a turn that breaks before its first token is refused with a status', async () => {
  const error = new OssiaError('engine/queue-full', 'Many wait already');
  await withServer(breakingModel(0, error), async (client) => {
    for (const stream of [true, false]) {
      const { status, code } = await client.refused('', { input: 'Go', stream });
      assert.deepEqual([status, code], [503, 'server_is_overloaded']);
    }
  });
});

test('a turn that breaks in the middle is an error where no stream was asked for', async () => {
  await withServer(breakingModel(12, new OssiaError('engine/crashed', 'It crashed')), async (client) => {
    assert.equal((await client.refused('', { input: 'Go' })).status, 500);
  });
});

test('what cannot be written down is not acknowledged', async () => {
  class FullStore extends MemoryStore {
    override update(): boolean {
      throw new OssiaError('server/store-failed', 'The disk is full');
    }
  }
  const model = scriptedModel(tokenizer, [turn, turn, turn]);
  await withServer(
    model,
    async (client, reported) => {
      const { response } = await client.stream({ input: 'Go' });
      assert.equal(response.status, 'failed');
      assert.match((response.error as { message: string }).message, /disk is full/);
      const { status, message } = await client.refused('', { input: 'Go' });
      assert.deepEqual([status, /disk is full/.test(message)], [500, true]);
      assert.ok(reported.length >= 2);
      assert.equal(
        (await client.create({ input: 'Go', store: false })).status,
        'completed',
        'what is not stored is not touched',
      );
    },
    new FullStore(),
  );
});
