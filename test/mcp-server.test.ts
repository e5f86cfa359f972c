import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { load } from '../src/chat/index.ts';
import { scriptedModel } from '../src/chat/testing.ts';
import { startServer } from '../src/server/index.ts';
import { openMcp } from '../src/tools/index.ts';
import { bin, ossia } from './support/command.ts';
import { eventually } from './support/eventually.ts';
import { type TestServer, testServer } from './support/server.ts';

const THOUGHTS = `<|channel|>analysis<|message|>${'and so on '.repeat(2000)}<|end|>`;

/** The usual names, and `slow`, which thinks for longer than a test waits. */
let server: TestServer;
before(async () => {
  const nano = await load('ossia-nano');
  const slow = scriptedModel(nano.tokenizer, Array(20).fill(THOUGHTS), { name: 'slow', msPerToken: 20 });
  server = await testServer({ models: { 'ossia-nano': nano, slow } });
});
after(async () => {
  await server.close();
});

interface Answer {
  readonly answer: string;
  readonly reasoning?: string;
  readonly model: string;
  readonly finish_reason: string;
  readonly seed: number;
  readonly usage: Readonly<Record<string, number>>;
}

async function connect(url = `${server.url}/mcp`, headers: Record<string, string> = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }) as Transport);
  return client;
}

async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<CallToolResult> {
  return (await client.callTool({ name, arguments: args })) as CallToolResult;
}

function textOf({ content }: CallToolResult): string {
  return content.map((block) => (block.type === 'text' ? block.text : block.type)).join();
}

/** What every way to talk to it must give. */
async function checkTools(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['chat', 'list_models', 'count_tokens'],
  );
  const question = { prompt: 'What can you do?', system: 'Be brief.', effort: 'low' };
  const result = await call(client, 'chat', { ...question, seed: 7, max_tokens: 200 });
  const answer = result.structuredContent as unknown as Answer;
  assert.equal(result.isError, undefined, textOf(result));
  assert.ok(answer.answer.length > 0);
  assert.equal(textOf(result), answer.answer);
  assert.deepEqual([answer.model, answer.finish_reason, answer.seed], ['ossia-nano', 'stop', 7]);
  assert.equal('reasoning' in answer, false);
  const again = await call(client, 'chat', { ...question, seed: 7, max_tokens: 200, include_reasoning: true });
  const repeated = again.structuredContent as unknown as Answer;
  assert.equal(repeated.answer, answer.answer, 'a seed replays');
  assert.equal(typeof repeated.reasoning, 'string');
  const counted = (await call(client, 'count_tokens', question)).structuredContent as Record<string, number>;
  assert.equal(counted.prompt_tokens, answer.usage.prompt_tokens);
  const { models } = (await call(client, 'list_models')).structuredContent as {
    models: { name: string; loaded: boolean }[];
  };
  assert.ok(models.some(({ name, loaded }) => name === 'ossia-nano' && loaded));
}

test('over HTTP, the library’s own client chats, lists models and counts tokens', async () => {
  const client = await connect();
  await checkTools(client);
  await client.close();
});

test('what is wrong is said in a result: arguments, a model that is not there, a prompt that does not fit', async () => {
  const client = await connect();
  const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{}, /prompt/],
    [{ prompt: '' }, /prompt/],
    [{ prompt: 'x', effort: 'most' }, /effort/],
    [{ prompt: 'x', max_tokens: 0 }, /max_tokens/],
    [{ prompt: 'x', model: 'no-such' }, /no-such/],
    [{ prompt: 'x '.repeat(200_000) }, /tokens/],
  ];
  for (const [args, message] of cases) {
    const result = await call(client, 'chat', args);
    assert.equal(result.isError, true);
    assert.match(textOf(result), message);
  }
  assert.equal((await call(client, 'no_such_tool')).isError, true);
  assert.equal(server.host.leases, 0);
  await client.close();
});

test('a turn tells of its progress, and ends when its call is cancelled', async () => {
  const client = await connect();
  const heard: string[] = [];
  const leaving = new AbortController();
  const params = { name: 'chat', arguments: { prompt: 'x', model: 'slow', max_tokens: 3000 } };
  const running = client.callTool(params, undefined, {
    signal: leaving.signal,
    onprogress: ({ progress, total, message }) => {
      assert.ok(progress > 0 && total === 3000);
      heard.push(`${message}`);
      if (heard.length === 2) leaving.abort();
    },
  });
  await assert.rejects(running, /AbortError|aborted/i);
  assert.deepEqual(heard.slice(0, 2), ['thinking', 'thinking']);
  await eventually('the turn is over', () => server.turns.size === 0 && server.host.leases === 0);
  assert.equal((await call(client, 'list_models')).isError, undefined, 'the session goes on');
  await client.close();
});

test('a turn ends when whoever asked has left', async () => {
  const body = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'chat', arguments: { prompt: 'x', model: 'slow' } },
  };
  const leaving = new AbortController();
  const response = await post(body, { signal: leaving.signal });
  assert.equal(response.status, 200);
  await eventually('the turn runs', () => server.turns.size === 1);
  leaving.abort();
  await response.text().catch(() => {});
  await eventually('the turn is over', () => server.turns.size === 0 && server.host.leases === 0);
});

test('sessions: none is needed, another’s or an ended one is not known, and nothing is sent unasked', async () => {
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  const without = await post(list);
  assert.match(await without.text(), /"list_models"/);
  assert.equal(without.headers.get('mcp-session-id'), null);
  const version = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
  const begun = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params: version });
  const id = begun.headers.get('mcp-session-id') ?? '';
  assert.match(await begun.text(), /"serverInfo":\{"name":"ossia"/);
  assert.match(id, /^[0-9a-f-]{36}$/);
  const headers = { 'mcp-session-id': id };
  assert.equal((await post(list, { headers })).status, 200);
  assert.equal((await post({ jsonrpc: '2.0', method: 'notifications/initialized' }, { headers })).status, 202);
  assert.equal((await post(list, { headers: { 'mcp-session-id': 'other' } })).status, 404);
  assert.equal((await fetch(`${server.url}/mcp`, { method: 'DELETE', headers })).status, 204);
  assert.equal((await post(list, { headers })).status, 404);
  assert.equal((await fetch(`${server.url}/mcp`, { method: 'DELETE', headers })).status, 404);
  const get = await fetch(`${server.url}/mcp`, { headers: { accept: 'text/event-stream' } });
  assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST, DELETE']);
});

test('what is no message is refused in the words of JSON-RPC', async () => {
  for (const [body, status] of [
    ['', 400],
    ['{"jsonrpc"', 400],
    ['[', 400],
    ['"text"', 400],
    ['null', 400],
    ['{"jsonrpc": "1.0", "id": 1, "method": "tools/list"}', 400],
    ['['.repeat(1000), 400],
    ['{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": null}', 400],
    ['{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": {"a": 1}}}', 202],
  ] as const) {
    const response = await post(body);
    assert.equal(response.status, status, body);
    if (status === 202) continue;
    const { jsonrpc, id, error } = JSON.parse(await response.text());
    assert.deepEqual([jsonrpc, id, typeof error.code, typeof error.message], ['2.0', null, 'number', 'string']);
  }
});

test('the guards of the server stand before it: keys, hosts, origins', async () => {
  const guarded = await startServer({ port: 0, apiKeys: ['k1', 'k2'] });
  try {
    const url = `${guarded.url}/mcp`;
    await assert.rejects(connect(url), /asks for a key/);
    const client = await connect(url, { authorization: 'Bearer k1' });
    assert.equal((await call(client, 'list_models')).isError, undefined);
    const id = (client.transport as StreamableHTTPClientTransport).sessionId ?? '';
    const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const send = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(url, { method: 'POST', body: list, headers: { ...TYPES, 'mcp-session-id': id, ...headers } }))
        .status;
    assert.equal(await send({ authorization: 'Bearer k1' }), 200);
    assert.equal(await send({ authorization: 'Bearer k2' }), 404, 'the session of another key');
    assert.equal(await send({ authorization: 'Bearer k1', origin: 'https://evil.example' }), 403);
    await client.close();
  } finally {
    await guarded.close();
  }
});

test('Ossia’s own client talks to it', async () => {
  const tool = openMcp({ label: 'ossia', type: 'auto', url: `${server.url}/mcp`, headers: {} }, { approval: 'auto' });
  try {
    const { signal } = new AbortController();
    const functions = (await tool.functions?.(signal)) ?? [];
    assert.deepEqual(
      functions.map(({ name }) => name),
      ['chat', 'list_models', 'count_tokens'],
    );
    const request = { conversation: 'c', signal };
    const chat = await tool.call({ name: 'chat', arguments: '{"prompt": "Hello", "max_tokens": 100}', ...request });
    assert.equal(chat.isError, undefined, chat.text);
    assert.match(chat.text, /"usage":\{"prompt_tokens":\d+/);
    const leaving = AbortSignal.timeout(300);
    const slow = {
      name: 'chat',
      arguments: '{"prompt": "Hello", "model": "slow"}',
      conversation: 'c',
      signal: leaving,
    };
    await assert.rejects(tool.call(slow), { name: 'TimeoutError' });
    await eventually('the turn is over', () => server.turns.size === 0);
    assert.equal(tool.needsApproval?.({ name: 'list_models', arguments: '' }), false);
  } finally {
    await tool.close();
  }
});

test('over standard input and output: ossia mcp, until the other side ends', async () => {
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StdioClientTransport({ command: process.execPath, args: [bin, 'mcp'], stderr: 'pipe' });
  let said = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const errors: Error[] = [];
  client.onerror = (error) => errors.push(error);
  await client.connect(transport);
  await checkTools(client);
  const { pid } = transport;
  await client.close();
  assert.deepEqual([errors, said], [[], '']);
  await eventually('the program has ended', () => {
    try {
      return pid !== null && process.kill(pid, 0) && false;
    } catch {
      return true;
    }
  });
});

test('ossia mcp says at once when there is no such model, and ends in order when nobody speaks', async () => {
  const missing = await ossia(['mcp', 'no-such-model'], { input: '' });
  assert.notEqual(missing.code, 0);
  assert.match(missing.stderr, /no-such-model/);
  assert.equal(missing.stdout, '');
  const silent = await ossia(['mcp'], { input: '' });
  assert.deepEqual([silent.code, silent.stdout, silent.stderr], [0, '', '']);
});

const TYPES = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

function post(body: unknown, init: { signal?: AbortSignal; headers?: Record<string, string> } = {}): Promise<Response> {
  return fetch(`${server.url}/mcp`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
    headers: { ...TYPES, ...init.headers },
  });
}
