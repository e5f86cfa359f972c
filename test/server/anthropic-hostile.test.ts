import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { anthropicRoutes } from '../../src/server/routes/anthropic.ts';
import { closeNano, type TestServer, testServer } from '../support/server.ts';

const REQUESTS = 600;

/** A request with everything in it. */
const WHOLE = {
  model: 'ossia-nano',
  max_tokens: 4,
  system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
  messages: [
    { role: 'user', content: 'Weather?' },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'Hm.', signature: 'x' },
        { type: 'redacted_thinking', data: 'x' },
        { type: 'text', text: 'Let me look.' },
        { type: 'tool_use', id: 'toolu_1', name: 'f', input: { city: 'Paris' } },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'rain' }], is_error: false },
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Notes' }, title: 'T' },
        { type: 'text', text: 'And now?' },
      ],
    },
  ],
  tools: [
    { name: 'f', description: 'Does f.', input_schema: { type: 'object', properties: { city: { type: 'string' } } } },
    { type: 'bash_20250124', name: 'bash' },
    { type: 'web_search_20250305', name: 'web_search' },
  ],
  tool_choice: { type: 'auto', disable_parallel_tool_use: true },
  thinking: { type: 'enabled', budget_tokens: 2, display: 'omitted' },
  output_config: { effort: 'low' },
  stop_sequences: ['x'],
  temperature: 0.5,
  top_p: 0.9,
  top_k: 5,
  metadata: { user_id: 'u' },
  stream: false,
};

const WRONG: readonly unknown[] = [
  ...[null, true, 0, -1, 1e308, 0.5, '', 'x', [], {}, [null], [[]], { type: 'x' }, { type: null }, '\u0000\ud800'],
  ...[{ type: 'text' }, [{ type: 'text', text: 7 }], { toString: 1, __proto__: 2 }, 'a'.repeat(5000), { $ref: '#' }],
];

/** Numbers from 0 to 1, the same for a seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = generator(42);
const oneOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;

/** A copy with one value, anywhere, put in place of another, left out or doubled. */
function mutate(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || random() < 0.15) return oneOf(WRONG);
  const keys = Object.keys(value);
  if (keys.length === 0) return oneOf(WRONG);
  const key = oneOf(keys);
  const copy = structuredClone(value) as Record<string, unknown>;
  if (random() < 0.1) delete copy[key];
  else copy[key] = mutate(copy[key]);
  return copy;
}

let server: TestServer;
before(async () => {
  server = await testServer({ groups: [anthropicRoutes] });
});
after(async () => {
  await server?.close();
  await closeNano();
});

test(`whatever a request says, it is answered or refused in the words of this API (${REQUESTS} requests)`, async () => {
  const statuses = new Map<number, number>();
  for (let i = 0; i < REQUESTS; i++) {
    let body = mutate(WHOLE);
    if (random() < 0.3) body = mutate(body);
    const path = oneOf(['/v1/messages', '/v1/messages', '/v1/messages/count_tokens']);
    const response = await fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    const text = await response.text();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    assert.ok(response.status < 500, `${JSON.stringify(body)}: ${text}`);
    if (response.status === 200) continue;
    const { type, error } = JSON.parse(text);
    assert.equal(type, 'error');
    assert.match(error.type, /^(?:invalid_request|not_found)_error$/);
    assert.ok(error.message.length > 10, text);
  }
  for (const status of [200, 400, 404]) assert.ok((statuses.get(status) ?? 0) > 0, `none with ${status}`);
  assert.deepEqual([server.host.leases, server.turns.size], [0, 0]);
});
