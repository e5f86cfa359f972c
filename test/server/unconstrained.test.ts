import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from '../../src/server/index.ts';

test('a server without constraints answers on every API, and refuses what only a constraint can hold', async () => {
  const server = await startServer({ port: 0, constrain: false });
  try {
    const post = async (path: string, body: object) => {
      const reply = await fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'ossia-nano', ...body }),
      });
      return { status: reply.status, body: await reply.text() };
    };
    const messages = [{ role: 'user', content: 'What can you do?' }];
    for (const [path, body] of [
      ['/v1/chat/completions', { messages, max_tokens: 400 }],
      ['/v1/responses', { input: 'What can you do?', max_output_tokens: 400, store: false }],
      ['/v1/messages', { messages, max_tokens: 400 }],
      ['/api/chat', { messages, stream: false, options: { num_predict: 400 } }],
    ] as const) {
      const reply = await post(path, body);
      assert.equal(reply.status, 200, `${path}: ${reply.body}`);
      assert.match(reply.body, /chat|answer|functions/, path);
    }
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];
    const refused = await post('/v1/chat/completions', { messages, tools, tool_choice: 'required' });
    assert.equal(refused.status, 400);
    assert.match(refused.body, /constrain/);
  } finally {
    await server.close();
  }
});
