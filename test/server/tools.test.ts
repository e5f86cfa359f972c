import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { type ServeOptions, startServer } from '../../src/server/index.ts';
import { fakeMcp, fakePython } from '../support/fake-tools.ts';

/** A service inside the network, which nobody outside shall reach through the server. */
let visits = 0;
const inside = createServer((_request, response) => {
  visits++;
  response.end('secret');
});
inside.listen(0, '127.0.0.1');
after(() => inside.close());

interface Item {
  readonly type: string;
  readonly error?: string;
  readonly tools?: readonly { readonly name: string }[];
}

async function respond(options: ServeOptions, tool: object): Promise<readonly Item[]> {
  const server = await startServer({ port: 0, load: { context: 1024 }, ...options });
  try {
    const reply = await fetch(`${server.url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: 'Hi', max_output_tokens: 8, tools: [tool] }),
    });
    const { output } = (await reply.json()) as { output: readonly Item[] };
    return output;
  } finally {
    await server.close();
  }
}

test('MCP servers of requests are reached at public addresses only, and not at all unless that is allowed', async () => {
  if (!inside.listening) await once(inside, 'listening');
  const { port } = inside.address() as AddressInfo;
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, '169.254.169.254', '[::1]']) {
    const tool = { type: 'mcp', server_label: 'inside', server_url: `http://${host}/mcp`, require_approval: 'never' };
    const [list] = await respond({ requestMcp: 'public' }, tool);
    assert.equal(list?.type, 'mcp_list_tools');
    assert.match(list.error ?? '', /private address|Port \d+ is not opened/, host);
  }
  const tool = { type: 'mcp', server_label: 'inside', server_url: `http://127.0.0.1:${port}/mcp` };
  assert.ok((await respond({}, tool)).every(({ type }) => type !== 'mcp_list_tools'));
  assert.equal(visits, 0);
  const [tried] = await respond({ requestMcp: 'any' }, tool);
  assert.ok(tried?.error, 'it speaks no MCP');
  assert.ok(visits > 0, 'any is any');
});

test('a server has the tools that it is given, and closes them', async () => {
  const tools = [fakePython({}), fakeMcp('files', [{ name: 'read' }])];
  const [list] = await respond({ tools }, { type: 'mcp', server_label: 'files' });
  assert.deepEqual(
    list?.tools?.map(({ name }) => name),
    ['read'],
  );
  assert.deepEqual(
    tools.map(({ isClosed }) => isClosed),
    [true, true],
  );
});
