import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OssiaError } from '../../base/index.ts';
import { parseMcpArgument } from './argument.ts';
import { readMcpConfig } from './config.ts';

test('reads the servers of other programs’ configurations', () => {
  const text = JSON.stringify({
    theme: 'dark',
    mcpServers: {
      files: { command: 'npx', args: ['-y', 'server', '/folder'], env: { A: 'b' }, cwd: '/tmp' },
      docs: { url: 'https://example.org/mcp', headers: { authorization: 'Bearer x' } },
      old: { type: 'sse', url: 'http://localhost:8001/sse', approval: 'auto' },
      cline: { command: 'x', alwaysAllow: ['read'] },
      off: { command: 'x', disabled: true },
    },
  });
  assert.deepEqual(readMcpConfig(text), [
    { label: 'files', type: 'stdio', command: 'npx', args: ['-y', 'server', '/folder'], env: { A: 'b' }, cwd: '/tmp' },
    { label: 'docs', type: 'auto', url: 'https://example.org/mcp', headers: { authorization: 'Bearer x' } },
    { label: 'old', approval: 'auto', type: 'sse', url: 'http://localhost:8001/sse', headers: {} },
    { label: 'cline', approval: ['read'], type: 'stdio', command: 'x', args: [], env: {} },
  ]);
  assert.deepEqual(readMcpConfig('\uFEFF{"servers": {}}'), []);
});

test('variables are expanded where they are given, and only then', () => {
  const key = 'Bearer $' + '{env:KEY}';
  const text = `{"mcpServers": {"a": {"url": "https://x.org/$\{PART:-mcp}", "headers": {"k": "${key}"}}}}`;
  const [plain] = readMcpConfig(text);
  assert.deepEqual(plain?.type !== 'stdio' && plain?.headers, { k: key });
  const [full] = readMcpConfig(text, { variables: { KEY: 'k1' } });
  assert.deepEqual(full, { label: 'a', type: 'auto', url: 'https://x.org/mcp', headers: { k: 'Bearer k1' } });
  assert.throws(() => readMcpConfig(text, { variables: {} }), /mcpServers\.a\.headers\.k needs .* KEY/);
  assert.throws(() => readMcpConfig(text.replace('env:KEY', 'constructor'), { variables: {} }), /constructor/);
});

test('what is wrong is named with its place', () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [[], /the top level is \[\]; expected an object/],
    [{}, /the top level has no "mcpServers"/],
    [{ mcpServers: [] }, /mcpServers is \[\]/],
    [{ mcpServers: { 'a b': { command: 'x' } } }, /mcpServers\.a b has a name/],
    [{ mcpServers: { a: 'npx' } }, /mcpServers\.a is "npx"; expected an object/],
    [{ mcpServers: { a: {} } }, /mcpServers\.a has neither a command nor a url/],
    [{ mcpServers: { a: { command: 'x', url: 'http://y' } } }, /mcpServers\.a has both/],
    [{ mcpServers: { a: { command: 'x', args: 'y' } } }, /mcpServers\.a\.args is "y"; expected a list/],
    [{ mcpServers: { a: { command: 'x', args: [1] } } }, /mcpServers\.a\.args\[0\] is 1/],
    [{ mcpServers: { a: { command: 'x', env: { B: 1 } } } }, /mcpServers\.a\.env\.B is 1/],
    [{ mcpServers: { a: { command: '' } } }, /mcpServers\.a\.command is ""/],
    [{ mcpServers: { a: { command: 'x', arg: [] } } }, /mcpServers\.a\.arg is not known; known are .*args/],
    [{ mcpServers: { a: { url: 'ftp://x' } } }, /mcpServers\.a\.url is "ftp:\/\/x"/],
    [{ mcpServers: { a: { url: 'http://x', header: {} } } }, /mcpServers\.a\.header is not known/],
    [{ mcpServers: { a: { url: 'http://x', type: 'ws' } } }, /mcpServers\.a\.type is "ws"/],
    [{ mcpServers: { a: { url: 'http://x', type: 'toString' } } }, /mcpServers\.a\.type is "toString"/],
    [{ mcpServers: { a: { command: 'x', approval: 'maybe' } } }, /mcpServers\.a\.approval is "maybe"/],
    [{ mcpServers: { a: { command: 'x', disabled: 'no' } } }, /mcpServers\.a\.disabled is "no"/],
  ];
  for (const [config, message] of cases) {
    const read = (): unknown => readMcpConfig(JSON.stringify(config), { source: 'mcp.json' });
    assert.throws(read, { code: 'tools/bad-config', message });
    assert.throws(read, /^\w*:? ?Cannot use mcp\.json: |Cannot use mcp\.json: /);
  }
  assert.throws(() => readMcpConfig('{"mcp'), {
    code: 'tools/bad-config',
    message: /Cannot read the MCP configuration/,
  });
});

test('one server in one argument', async () => {
  const one = async (argument: string): Promise<unknown> => (await parseMcpArgument(argument))[0];
  assert.deepEqual(await one('https://mcp.example.com/mcp'), {
    label: 'example',
    type: 'auto',
    url: 'https://mcp.example.com/mcp',
    headers: {},
  });
  assert.deepEqual(await one('mine=http://localhost:1/sse'), {
    label: 'mine',
    type: 'auto',
    url: 'http://localhost:1/sse',
    headers: {},
  });
  const labels: unknown[] = [];
  for (const url of [
    'http://localhost:3000/',
    'http://127.0.0.1/',
    'http://[::1]:4/',
    'https://x.co/',
    'https://mcp.dev/',
  ]) {
    labels.push(((await one(url)) as { label: string }).label);
  }
  assert.deepEqual(labels, ['localhost-3000', '127.0.0.1', '1-4', 'x', 'mcp.dev']);
  assert.deepEqual(await one(String.raw`files=npx -y "a \"b\" c" d\ e C:\dir 'f g'h  `), {
    label: 'files',
    type: 'stdio',
    command: 'npx',
    args: ['-y', 'a "b" c', 'd e', String.raw`C:\dir`, 'f gh'],
    env: {},
  });
  for (const argument of ['a="b', 'a=', 'a=   ', 'http://', 'no-such.json', '-x=y']) {
    await assert.rejects(parseMcpArgument(argument), { code: 'tools/bad-config' }, argument);
  }
});

test('whatever the file says, it is read or refused with a code', () => {
  const any = fc.jsonValue({ maxDepth: 1 });
  const or = (...good: unknown[]) => fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...good) }, any);
  const program = {
    command: or('npx'),
    args: or([], ['a']),
    env: or({}, { a: 'b' }),
    cwd: or('/'),
    disabled: or(true),
  };
  const address = { url: or('http://x'), headers: or({}), type: or('sse', 'http'), approval: or('auto', ['a']) };
  const server = fc.oneof(
    fc.record(program, { requiredKeys: ['command'] }),
    fc.record(address, { requiredKeys: ['url'] }),
    fc.record({ ...program, ...address, unknown: any }, { requiredKeys: [] }),
  );
  const label = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('a', 'b', '__proto__') }, fc.string());
  const servers = fc.oneof(any, fc.dictionary(label, server, { maxKeys: 3 }));
  let read = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        servers.map((all) => JSON.stringify({ mcpServers: all })),
      ),
      (text) => {
        try {
          read += readMcpConfig(text, { variables: {} }).length;
        } catch (error) {
          assert.ok(error instanceof OssiaError && error.code === 'tools/bad-config', String(error));
        }
      },
    ),
    { numRuns: 20_000 },
  );
  assert.ok(read > 100, `${read}`);
});
