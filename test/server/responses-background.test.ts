import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MemoryStore, type ResponseStore, Responses, Turns } from '../../src/api/index.ts';
import { type LoadedModel, TurnMemory } from '../../src/chat/index.ts';
import { type ScriptOptions, scriptedModel } from '../../src/chat/testing.ts';
import { openResponseStore } from '../../src/server/store/index.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { checkStream, parseEvents, type WireEvent } from '../support/response-stream.ts';
import { ResponsesClient, textOf, type Whole } from '../support/responses-client.ts';
import { TestHost, testServer } from '../support/server.ts';

const directory = mkdtempSync(join(tmpdir(), 'ossia-background-'));
after(() => rmSync(directory, { recursive: true }));
const sqlite = await import('node:sqlite').catch(() => undefined);
const skip = sqlite === undefined ? 'this Node.js has no SQLite' : false;

const words = Array.from({ length: 150 }, (_, i) => ` word${i}`).join('');
const long = `<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>${words}<|return|>`;

interface Setup {
  readonly url: string;
  readonly client: ResponsesClient;
  readonly host: TestHost;
  readonly turns: Turns;
  readonly responses: Responses;
}

interface SetupOptions extends ScriptOptions {
  readonly store?: ResponseStore;
  /** Turns of the script. Default 10. */
  readonly turns?: readonly (string | Error)[];
}

/** A server over a slow script; afterwards every lease has been given back. */
async function withServer(options: SetupOptions, use: (setup: Setup) => Promise<void>): Promise<void> {
  const { store = new MemoryStore(), turns: script = new Array(10).fill(long), ...rest } = options;
  const model: LoadedModel = scriptedModel(o200kHarmony(), script, { msPerToken: 2, ...rest });
  const host = new TestHost({ slow: model });
  const turns = new Turns({ memory: new TurnMemory() });
  const responses = new Responses({ host, turns, store });
  const server = await testServer({ model, context: { host, turns, responses } });
  try {
    await use({ url: server.url, client: new ResponsesClient(server), host, turns, responses });
    await until(() => host.leases === 0 && turns.size === 0, 'every lease is released');
  } finally {
    await responses.close();
    await server.close();
  }
}

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await isSo())) {
    assert.ok(Date.now() < end, `${what}, within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function finished(client: ResponsesClient, id: string): Promise<Whole> {
  let response: Whole | undefined;
  await until(async () => {
    response = (await client.json(`/${id}`)) as Whole;
    return response.status !== 'queued' && response.status !== 'in_progress';
  }, `${id} is finished`);
  return response!;
}

/** Reads events until it has seen enough, then leaves without a word. */
async function readUntil(url: string, body: object, isEnough: (event: WireEvent) => boolean): Promise<WireEvent[]> {
  const leaving = new AbortController();
  const response = await fetch(`${url}/v1/responses`, {
    ...{ method: 'POST', body: JSON.stringify(body), signal: leaving.signal },
  });
  const events: WireEvent[] = [];
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    events.push(...blocks.flatMap((block) => parseEvents(block)));
    if (events.some(isEnough)) break;
  }
  leaving.abort();
  return events;
}

const idOf = ([created]: readonly WireEvent[]) => (created!.response as { id: string }).id;
const isText = ({ type }: WireEvent) => type === 'response.output_text.delta';

test('a background response is queued at once, and is there later', async () => {
  await withServer({}, async ({ client }) => {
    const queued = await client.create({ input: 'Go', background: true });
    assert.deepEqual([queued.status, queued.background, queued.output, queued.usage], ['queued', true, [], null]);
    const whole = await finished(client, queued.id);
    assert.deepEqual([whole.status, textOf(whole)], ['completed', words]);
    const replay = parseEvents(await (await client.request(`/${queued.id}?stream=true`)).text());
    assert.deepEqual(checkStream(replay), whole);
    assert.deepEqual(
      replay.slice(0, 3).map(({ type }) => type),
      ['response.created', 'response.queued', 'response.in_progress'],
    );
  });
});

test('a background response goes on when its reader leaves; its stream can be read on from any event', async () => {
  await withServer({}, async ({ client, url }) => {
    const seen = await readUntil(url, { input: 'Go', background: true, stream: true }, isText);
    const id = idOf(seen);
    const last = seen.at(-1)!.sequence_number;
    const rest = parseEvents(await (await client.request(`/${id}?stream=true&starting_after=${last}`)).text());
    const all = [...seen, ...rest];
    assert.equal(textOf(checkStream(all) as Whole), words);
    for (const after of [0, 7, all.length - 2, all.length + 50]) {
      const part = await (await client.request(`/${id}?stream=true&starting_after=${after}`)).text();
      assert.deepEqual(parseEvents(part), all.slice(after + 1));
    }
    assert.equal((await client.refused(`/${id}?stream=true&starting_after=x`)).param, 'starting_after');
  });
});

test('two readers of one background response see the same events', async () => {
  await withServer({}, async ({ client }) => {
    const { id } = await client.create({ input: 'Go', background: true });
    const read = async () => await (await client.request(`/${id}?stream=true`)).text();
    const [one, two] = await Promise.all([read(), read()]);
    assert.equal(one, two);
    checkStream(parseEvents(one));
  });
});

test('a background response is cancelled with what there is, and once is enough', async () => {
  await withServer({}, async ({ client, url }) => {
    const id = idOf(await readUntil(url, { input: 'Go', background: true, stream: true }, isText));
    const cancelled = (await client.json(`/${id}/cancel`, {})) as Whole;
    assert.equal(cancelled.status, 'cancelled');
    assert.ok(textOf(cancelled).length > 0 && words.startsWith(textOf(cancelled)));
    assert.deepEqual(await client.json(`/${id}/cancel`, {}), cancelled);
    const replay = parseEvents(await (await client.request(`/${id}?stream=true`)).text());
    assert.deepEqual(checkStream(replay), cancelled);
  });
});

test('what waits behind others is cancelled without a turn, and deleted while it runs', async () => {
  await withServer({ turns: new Array(8).fill(long) }, async ({ client, turns }) => {
    const ids: string[] = [];
    for (let i = 0; i < 10; i++) ids.push((await client.create({ input: 'Go', background: true })).id);
    await until(() => turns.size === 8, 'eight run');
    assert.equal((await client.json(`/${ids[9]}`)).status, 'queued');
    assert.equal((await client.json(`/${ids[9]}/cancel`, {})).status, 'cancelled');
    assert.equal((await client.json(`/${ids[8]}/cancel`, {})).status, 'cancelled');
    for (const id of ids.slice(0, 8)) await client.json(`/${id}`, undefined, 'DELETE');
    await until(() => turns.size === 0, 'all have ended');
    for (const id of ids.slice(0, 8)) assert.equal((await client.refused(`/${id}`)).status, 404);
  });
});

test('only what runs in the background can be cancelled, and only its stream is kept', async () => {
  await withServer({}, async ({ client }) => {
    const { id } = await client.create({ input: 'Go' });
    assert.equal((await client.refused(`/${id}/cancel`, {})).status, 400);
    assert.equal((await client.refused(`/${id}?stream=true`)).status, 400);
  });
});

test('a response whose reader leaves is ended, kept with what there was, and its model given back', async () => {
  await withServer({}, async ({ client, url, host }) => {
    const id = idOf(await readUntil(url, { input: 'Go', stream: true }, isText));
    const ended = await finished(client, id);
    assert.equal(ended.status, 'cancelled');
    assert.ok(textOf(ended).length < words.length);
    await until(() => host.leases === 0, 'the lease is released');
  });
});

test('a response that is not finished cannot be gone on from yet', async () => {
  await withServer({}, async ({ client }) => {
    const { id } = await client.create({ input: 'Go', background: true });
    const { status, param } = await client.refused('', { input: 'And?', previous_response_id: id });
    assert.deepEqual([status, param], [400, 'previous_response_id']);
    await finished(client, id);
    assert.equal((await client.create({ input: 'And?', previous_response_id: id })).status, 'completed');
  });
});

test('what ends a background response before its turn is written down', async () => {
  await withServer({ turns: [new Error('the disk is on fire')] }, async ({ client }) => {
    const { id } = await client.create({ input: 'Go', background: true });
    const failed = await finished(client, id);
    assert.equal(failed.status, 'failed');
    const { code, message } = failed.error as { code: string; message: string };
    assert.equal(code, 'server_error');
    assert.doesNotMatch(message, /fire/, 'the insides of the server are nobody else’s business');
    const replay = parseEvents(await (await client.request(`/${id}?stream=true`)).text());
    assert.deepEqual(
      replay.map(({ type }) => type),
      ['response.created', 'response.queued', 'response.failed'],
    );
  });
});

test('a server that goes down ends what runs in the background, and says so for good', { skip }, async () => {
  let id = '';
  const store = await openResponseStore({ directory });
  await withServer({ store }, async ({ client, responses, turns }) => {
    id = (await client.create({ input: 'Go', background: true })).id;
    await until(() => turns.size === 1, 'it runs');
    await responses.close();
  });
  store.close();
  const again = await openResponseStore({ directory });
  assert.equal(again.get(id)?.response.status, 'failed');
  assert.match(again.get(id)?.response.error?.message ?? '', /server stopped/);
  again.close();
});

test('a stream that ended with its server is told to whoever reads on', { skip }, async () => {
  const store = await openResponseStore({ directory });
  let id = '';
  await withServer({ store }, async ({ client, turns }) => {
    id = (await client.create({ input: 'Go', background: true })).id;
    await until(() => turns.size === 1, 'it runs');
    store.close(); // as if the process were gone: nothing can be written any more
  });
  const again = await openResponseStore({ directory });
  assert.equal(again.get(id)?.response.status, 'failed');
  await withServer({ store: again }, async ({ client }) => {
    const read = async (query: string) => parseEvents(await (await client.request(`/${id}?${query}`)).text());
    assert.deepEqual(
      (await read('stream=true')).map(({ type }) => type),
      ['response.created', 'response.failed'],
    );
    const [only, ...others] = await read('stream=true&starting_after=17');
    assert.deepEqual([only?.type, only?.sequence_number, others], ['response.failed', 18, []]);
  });
  again.close();
});
