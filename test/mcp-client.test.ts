import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type McpOptions, type McpServer, openMcp, type Tool, type ToolResult } from '../src/tools/index.ts';
import { eventually } from './support/eventually.ts';
import { PIXEL } from './support/mcp-fixture.ts';
import { mcpHttp } from './support/mcp-http.ts';

const script = fileURLToPath(new URL('support/mcp-stdio.ts', import.meta.url));
const open: Tool[] = [];
after(() => Promise.all(open.map((tool) => tool.close())));

function tool(server: McpServer, options: McpOptions = {}): Tool {
  const made = openMcp(server, options);
  open.push(made);
  return made;
}

function program(...args: string[]): McpServer {
  return { label: 'fix', type: 'stdio', command: process.execPath, args: [script, ...args], env: { MINE: 'yes' } };
}

function address(url: string, type: 'auto' | 'http' | 'sse' = 'auto'): McpServer {
  return { label: 'web', type, url, headers: { 'x-api-key': 'k1' } };
}

const never = new AbortController().signal;

function call(tool: Tool, name: string, args: unknown = {}, signal = never): Promise<ToolResult> {
  return tool.call({ name, arguments: JSON.stringify(args), conversation: 'c', signal });
}

test('the functions of a program, page after page, under names that a model can write', async () => {
  const lines: string[] = [];
  const fixture = tool(program(), { log: (line) => lines.push(line) });
  const functions = (await fixture.functions?.(never)) ?? [];
  const names = functions.map(({ name }) => name);
  assert.equal(fixture.name, 'mcp:fix');
  assert.ok(names.length > 20);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.every((name) => /^[a-zA-Z0-9_-]{1,64}$/.test(name)));
  const byName = Object.fromEntries(functions.map((each) => [each.name, each]));
  assert.deepEqual(byName.echo, {
    name: 'echo',
    description: 'Says it again',
    parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  });
  assert.equal(byName.files_read_text?.description?.length, 4000);
  assert.equal(byName.bad_schema?.parameters, undefined);
  assert.equal(byName.big_schema?.parameters, undefined);
  assert.equal(byName.task_only, undefined);
  await eventually('standard error in the log', () => lines.includes('mcp:fix: the fixture starts'));
  assert.ok(lines.some((line) => /bad_schema is left away.*#\/properties\/a/.test(line)));
  assert.match((await call(fixture, 'files_read_text', { a: 1 })).text, /^files\.read\/text \{"a":1\}$/);
  assert.match((await call(fixture, 'files_read_text_2')).text, /^files_read_text /);
});

test('results: texts, pictures for people, files, structured content, and what failed', async () => {
  const fixture = tool(program(), { maxResultCharacters: 1000 });
  assert.deepEqual(await call(fixture, 'echo', { text: 'a\ud800b' }), {
    text: 'a\ufffdb',
    action: { type: 'mcp', server: 'fix', tool: 'echo' },
  });
  const everything = await call(fixture, 'everything');
  assert.deepEqual(everything.images, [
    { mediaType: 'image/png', base64: PIXEL },
    { mediaType: 'image/png', base64: PIXEL },
  ]);
  for (const part of ['a text', 'file:///a.txt\nof a file', '[d](file:///d.txt): another file', '{"answer":42}']) {
    assert.ok(everything.text.includes(part), part);
  }
  assert.equal((await call(fixture, 'structured')).text, '{ "answer": 42 }', 'not twice');
  assert.equal((await call(fixture, 'repeated')).text, 'It says: a long text.');
  assert.equal((await call(fixture, 'picture_flood')).images?.length, 8);
  assert.deepEqual(await call(fixture, 'fail'), {
    text: 'the disk is full',
    isError: true,
    action: { type: 'mcp', server: 'fix', tool: 'fail' },
  });
  assert.deepEqual(await call(fixture, 'refuse').then(({ text, isError }) => [text, isError]), ['no such thing', true]);
  const huge = await call(fixture, 'huge', { size: 5_000_000 });
  assert.equal(huge.text, `${'z'.repeat(1000)}\n[cut: 1000 of 5000000 characters]`);
  assert.equal((await call(fixture, 'nonsense')).isError, true);
  assert.match((await call(fixture, 'no_such')).text, /no function no_such; there are echo, /);
  const wrong = await fixture.call({ name: 'echo', arguments: '[1', conversation: 'c', signal: never });
  assert.deepEqual(wrong, { text: 'The arguments are no JSON object', isError: true });
});

test('progress is passed on, and a call that is left is cancelled at the server', async () => {
  const fixture = tool(program());
  const said: string[] = [];
  const request = { name: 'progress', arguments: '', conversation: 'c', signal: never };
  assert.equal((await fixture.call({ ...request, progress: (text) => said.push(text) })).text, 'done');
  assert.deepEqual(said, ['1 of 2: one [31m', '2 of 2: two']);
  const leaving = new AbortController();
  const left = call(fixture, 'forever', {}, leaving.signal);
  left.catch(() => {});
  await eventually('the call runs', async () => (await call(fixture, 'waiting')).text === '1');
  leaving.abort(new Error('left'));
  await assert.rejects(left, /left/);
  await eventually('the call is cancelled', async () => (await call(fixture, 'cancelled')).text === '1');
});

test('a call without an end meets its limit, and is cancelled', async () => {
  const fixture = tool(program(), { callTimeoutMs: 2000 });
  const { text, isError } = await call(fixture, 'forever');
  assert.equal(isError, true);
  assert.match(text, /timed out/i);
  await eventually('the call is cancelled', async () => (await call(fixture, 'cancelled')).text === '1');
});

test('functions that change are asked for again', async () => {
  const fixture = tool(program());
  assert.ok(((await fixture.functions?.(never)) ?? []).length > 20);
  await call(fixture, 'change');
  await eventually('the new list', async () => {
    const functions = (await fixture.functions?.(never)) ?? [];
    return functions.length === 1 && functions[0]?.name === 'only_one';
  });
  assert.match((await call(fixture, 'echo', { text: 'x' })).text, /no function echo; there are only_one/);
});

test('a program that crashes, floods or writes garbage fails one call, and is started anew at the next, five times a minute', async () => {
  const lines: string[] = [];
  const fixture = tool(program(), { log: (line) => lines.push(line) });
  assert.equal((await call(fixture, 'garbage')).text, 'after the garbage');
  assert.equal((await call(fixture, 'calls')).text, '2', 'it lives on');
  assert.equal((await call(fixture, 'flood')).isError, true);
  assert.ok(lines.some((line) => /more than 16777216 bytes/.test(line)));
  for (let life = 2; life <= 5; life++) {
    assert.deepEqual([(await call(fixture, 'calls')).text, life], ['1', life], 'a new life');
    assert.equal((await call(fixture, 'crash')).isError, true);
  }
  assert.match((await call(fixture, 'calls')).text, /Cannot use the MCP server fix .*ended 5 times within a minute/);
  await assert.rejects(fixture.functions!(never), { code: 'tools/mcp-unreachable' });
});

test('a program gets its own variables and the basic ones, in its folder, and none of the others', async () => {
  process.env.OSSIA_TEST_SECRET = 'secret';
  const fixture = tool({ ...program(), cwd: tmpdir() } as McpServer);
  const { env, cwd } = JSON.parse((await call(fixture, 'environment')).text);
  assert.equal(env.MINE, 'yes');
  assert.equal(env.PATH, process.env.PATH);
  assert.equal(env.OSSIA_TEST_SECRET, undefined);
  assert.ok(cwd.endsWith(tmpdir().split('/').at(-1)));
});

test('closing ends a program that will not go, and what it has started', {
  skip: process.platform === 'win32',
}, async () => {
  const fixture = tool(program('stubborn'));
  const pids = (await call(fixture, 'family')).text.split(' ').map(Number);
  assert.equal(pids.length, 2);
  assert.ok(pids.every(isAlive));
  await fixture.close();
  await eventually('both have ended', () => !pids.some(isAlive));
  assert.match((await call(fixture, 'calls')).text, /has been closed/);
});

test('a program that crashes leaves nothing behind', { skip: process.platform === 'win32' }, async () => {
  const fixture = tool(program());
  const pids = (await call(fixture, 'family')).text.split(' ').map(Number);
  assert.equal((await call(fixture, 'crash')).isError, true);
  await eventually('both have ended', () => !pids.some(isAlive));
});

test('a program that talks without end does not fill the log', async () => {
  const lines: string[] = [];
  const fixture = tool(program(), { log: (line) => lines.push(line) });
  assert.equal((await call(fixture, 'chatter')).text, 'enough');
  await eventually('it is cut short', () => /says too much/.test(lines.at(-1) ?? ''));
  assert.equal(lines.length, 301);
});

test('what cannot be reached says so: no such command, one that ends, one that says nothing, no server, a closed door', async () => {
  const http = await mcpHttp();
  const unused = createServer().listen(0, '127.0.0.1');
  await once(unused, 'listening');
  const { port } = unused.address() as { port: number };
  await new Promise((resolve) => unused.close(resolve));
  const cases: readonly (readonly [McpServer, RegExp])[] = [
    [{ ...program(), command: '/no/such/program' } as McpServer, /fix \(\/no\/such\/program\): .*ENOENT/],
    [program('broken'), /Connection closed; it said: the fixture starts · ended with exit code 1/],
    [program('mute'), /timed out/i],
    [
      address(`http://127.0.0.1:${port}/mcp?key=secret`),
      /web \(http:\/\/127\.0\.0\.1:\d+\): fetch failed: .*ECONNREFUSED/,
    ],
    [address(`${http.url}/nowhere`), /404/],
    [address(`${http.url}/secret`), /who are you\?/],
    [address(`${http.url}/moved`), /redirect/i],
    [address(`${http.url}/endless`), /more than 16777216 bytes/],
  ];
  try {
    for (const [server, message] of cases) {
      const timeout = server === cases[2]?.[0] ? { connectTimeoutMs: 1000 } : {};
      await assert.rejects(tool(server, timeout).functions!(never), (error: Error & { code: string }) => {
        assert.equal(error.code, 'tools/mcp-unreachable');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret\b.*=|key=/);
        return true;
      });
    }
  } finally {
    await http.close();
  }
});

test('waiting for a server can be given up, and closing does not wait for it', async () => {
  const fixture = tool(program('mute'));
  const waiting = fixture.functions!(AbortSignal.timeout(100));
  await assert.rejects(waiting, { name: 'TimeoutError' });
  await fixture.close();
});

for (const [path, type, transport] of [
  ['/mcp', 'auto', 'POST /mcp'],
  ['/mcp', 'http', 'POST /mcp'],
  ['/sse', 'auto', 'POST /messages'],
  ['/sse', 'sse', 'POST /messages'],
] as const) {
  test(`over HTTP: ${type} finds its way at ${path}`, async () => {
    const http = await mcpHttp();
    const fixture = tool(address(`${http.url}${path}`, type));
    try {
      assert.ok(((await fixture.functions?.(never)) ?? []).length > 20);
      assert.equal((await call(fixture, 'echo', { text: 'over HTTP' })).text, 'over HTTP');
      assert.ok(http.requests.some(({ line }) => line === transport));
      assert.ok(http.requests.every(({ headers }) => headers['x-api-key'] === 'k1'));
      const leaving = new AbortController();
      const left = call(fixture, 'forever', {}, leaving.signal);
      left.catch(() => {});
      await eventually('the call runs', async () => (await call(fixture, 'waiting')).text === '1');
      leaving.abort();
      await assert.rejects(left, { name: 'AbortError' });
      await eventually('the call is cancelled', async () => (await call(fixture, 'cancelled')).text === '1');
      await call(fixture, 'change');
      await eventually('the new list', async () => ((await fixture.functions?.(never)) ?? []).length === 1);
    } finally {
      await fixture.close();
      await http.close();
    }
  });
}

test('a server that has forgotten the session is asked again over a new one', async () => {
  const http = await mcpHttp();
  const fixture = tool(address(`${http.url}/mcp`));
  try {
    assert.equal((await call(fixture, 'calls')).text, '1');
    http.forget();
    assert.equal((await call(fixture, 'calls')).text, '1', 'a new session');
  } finally {
    await fixture.close();
    await http.close();
  }
});

test('who has to agree: everyone by default; what only reads, a list, or nobody where the user says so', async () => {
  const asks = async (options: McpOptions, server = program()): Promise<string> => {
    const fixture = tool(server, options);
    await fixture.functions?.(never);
    const names = ['echo', 'fail', 'files_read_text', 'unknown'];
    return names.filter((name) => fixture.needsApproval?.({ name, arguments: '{}' })).join(' ');
  };
  assert.equal(await asks({}), 'echo fail files_read_text unknown');
  assert.equal(await asks({ approval: 'auto' }), 'fail files_read_text unknown');
  assert.equal(await asks({ approval: 'never' }), '');
  assert.equal(await asks({ approval: ['files.read/text', 'fail'] }), 'echo unknown');
  assert.equal(
    await asks({ approval: 'never' }, { ...program(), approval: 'always' }),
    'echo fail files_read_text unknown',
  );
  assert.equal(tool(program(), { approval: 'auto' }).needsApproval?.({ name: 'echo', arguments: '' }), true);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
