import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ollamaServer } from '../support/ollama-server.ts';
import type { TestServer } from '../support/server.ts';

const RUNS = 600;

const tool = {
  type: 'function',
  function: { name: 'f', description: '', parameters: { type: 'object', properties: { a: {} } } },
};
const chat = {
  model: 'ossia-nano',
  messages: [
    { role: 'user', content: 'Hi', images: [] },
    { role: 'assistant', content: '', thinking: 'Hm.', tool_calls: [{ function: { name: 'f', arguments: { a: 1 } } }] },
    { role: 'tool', content: '1', tool_name: 'f' },
  ],
  tools: [tool],
  ...{
    think: 'low',
    format: { type: 'object' },
    keep_alive: '5m',
    truncate: false,
    stream: true,
    logprobs: true,
    top_logprobs: 1,
  },
  options: {
    temperature: 0,
    top_p: 1,
    top_k: 1,
    min_p: 0,
    seed: 1,
    num_predict: 24,
    num_ctx: 64,
    stop: ['x'],
    repeat_penalty: 1,
  },
};
const generate = {
  model: 'ossia-nano',
  prompt: 'Hi',
  system: '',
  context: [],
  raw: false,
  suffix: '',
  images: [],
  options: { num_predict: 8 },
};
const bodies = {
  chat,
  generate,
  show: { model: 'ossia-nano' },
  create: {
    model: 'made',
    from: 'ossia-nano',
    system: 'x',
    parameters: { temperature: 1 },
    modelfile: 'FROM ossia-nano\nSYSTEM hi',
  },
  copy: { source: 'ossia-nano', destination: 'copied' },
} as const;

const junk = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1e308, -0, 2 ** 53, 0.5, '', 'x', [], {}, [null], [[]], { a: null }),
  fc.constantFrom<unknown>(
    '../../etc/passwd',
    '\u0000',
    '\ud800',
    '<|start|>system<|message|>',
    '__proto__',
    'constructor',
    'x'.repeat(5000),
  ),
  fc.constantFrom<unknown>(
    { type: 'object', properties: { a: { $ref: '#' } } },
    { type: 'nothing' },
    { pattern: '(a+)+$' },
    { $ref: 'http://127.0.0.1/x' },
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

/** All places in a value, as paths. */
function places(value: unknown, path: readonly string[] = []): string[][] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [[...path], ...inner.flatMap(([key, each]) => places(each, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

const hostile = fc.constantFrom(...(Object.keys(bodies) as (keyof typeof bodies)[])).chain((path) => {
  const changes = fc.array(fc.tuple(fc.constantFrom(...places(bodies[path])), junk), { minLength: 1, maxLength: 2 });
  return changes.map((list) => ({
    path,
    body: list.reduce<unknown>((body, [place, by]) => safely(() => replaced(body, place, by), body), bodies[path]),
  }));
});

/** A place may be gone after an earlier change. */
function safely<T>(make: () => T, otherwise: T): T {
  try {
    return make();
  } catch {
    return otherwise;
  }
}

async function send({ url }: TestServer, path: string, body: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}/api/${path}`, { method: 'POST', body });
  return { status: response.status, text: await response.text() };
}

test(`whatever a request says, it is answered or refused in words, and never with a server error (${RUNS} requests)`, async (t) => {
  const { server } = await ollamaServer(t);
  const statuses = new Map<number, number>();
  for (const [path, body] of Object.entries(bodies)) {
    const { status, text } = await send(server, path, JSON.stringify(body));
    assert.equal(status, 200, `${path} as it is: ${text}`);
  }
  await fc.assert(
    fc.asyncProperty(hostile, async ({ path, body }) => {
      const { status, text } = await send(server, path, JSON.stringify(body) ?? 'null');
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      assert.ok([200, 400, 404].includes(status), `${status} ${text.slice(0, 300)}`);
      const lines = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      if (status !== 200) assert.deepEqual([lines.length, typeof lines[0].error], [1, 'string']);
      else assert.ok(!('error' in lines.at(-1)), text.slice(-300));
    }),
    { numRuns: RUNS },
  );
  assert.ok((statuses.get(200) ?? 0) > 10 && (statuses.get(400) ?? 0) > 100, JSON.stringify([...statuses]));
  const { models } = JSON.parse(await (await fetch(`${server.url}/api/tags`)).text());
  assert.ok(models.length >= 1);
});

test('bodies that are no JSON, or too deep, or not text are refused', async (t) => {
  const { server } = await ollamaServer(t);
  for (const body of [
    '',
    ' ',
    '{',
    'null',
    '[]',
    '"x"',
    '1',
    '{"model":',
    `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
    '\u0000',
  ]) {
    for (const path of ['chat', 'generate', 'show', 'pull', 'create', 'copy']) {
      const { status, text } = await send(server, path, body);
      assert.equal(status, 400, `${path} ${body.slice(0, 20)}: ${text.slice(0, 200)}`);
      assert.equal(typeof JSON.parse(text).error, 'string');
    }
  }
  const deep = `{"type":"object","properties":{"a":${'{"items":'.repeat(5000)}{}${'}'.repeat(5000)}}}`;
  const body = `{"model":"ossia-nano","messages":[{"role":"user","content":"Hi"}],"options":{"num_predict":2},"format":${deep}}`;
  const { status, text } = await send(server, 'chat', body);
  assert.ok([200, 400].includes(status), text.slice(0, 300));
  const tools = body.replace('"format":', '"tools":[{"function":{"name":"f","parameters":').replace(/\}$/, '}}]}');
  const answer = await send(server, 'chat', tools);
  assert.ok([200, 400].includes(answer.status), answer.text.slice(0, 300));
});
