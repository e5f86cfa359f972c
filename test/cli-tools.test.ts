import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ossia } from './support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'ossia-'));
after(() => rmSync(folder, { recursive: true }));

const mcp = ['--mcp', `ping=${process.execPath} test/support/mcp-ping.ts`];
/** The embedded model calls what it is forced to, at once. */
const force = (name: string) => ['--tool-choice', name, '--temperature', '0', '--max-tokens', '90', '--reserve', '80'];

test('in a pipe a call that needs approval is refused, the model goes on, and the answer stands alone', async () => {
  const { stdout, stderr, code } = await ossia(['run', 'Ping.', ...mcp, ...force('ping')]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /→ ping did not run: Not allowed: nobody is there/);
  assert.doesNotMatch(stdout, /"name"/);
  assert.match(stdout, /\w/);
});

test('--yes runs it, and what came of it is shown on standard error', async () => {
  const { stdout, stderr, code } = await ossia(['run', 'Ping.', ...mcp, ...force('ping'), '--yes']);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /call ping \{\}\n→ pong\n/);
  assert.doesNotMatch(stdout, /pong|"name"/);
});

test('a chat carries calls out, and its next turns know them', async () => {
  const args = ['chat', ...mcp, ...force('ping'), '--yes', '--no-history'];
  const { stderr, code } = await ossia(args, { input: 'Ping.\nAgain.\n' });
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/→ pong/g)?.length, 2);
});

test('--json tells of every step', async () => {
  const { stdout } = await ossia(['run', 'Ping.', ...mcp, ...force('ping'), '--yes', '--json', '--max-steps', '1']);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; result?: { text: string }; steps?: number; limit?: string });
  const types = events.map(({ type }) => type).filter((type) => /^(?:tool_(?:start|end)|step|end)$/.test(type));
  assert.deepEqual(types, ['tool_start', 'tool_end', 'step', 'end']);
  assert.equal(events.find(({ type }) => type === 'tool_end')?.result?.text, 'pong');
  assert.deepEqual([events.at(-1)?.steps, events.at(-1)?.limit], [1, 'steps']);
});

test('the browser searches a folder, offline', async () => {
  writeFileSync(join(folder, 'fjord.md'), '# Fjord\n\nA fjord is long and deep.\n');
  const args = ['run', 'Fjord?', '--tool', 'browser', '--corpus', folder, ...force('browser.search')];
  const { stderr, code } = await ossia(args);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /call browser\.search .*\n→ searched ".*": \d+ results/);
});

test('tools that cannot be had are said to be so before a model is loaded', async () => {
  const env = { EXA_API_KEY: '', BRAVE_API_KEY: '', YDC_API_KEY: '' };
  const refused = async (...args: string[]) => {
    const { stderr, code } = await ossia(args, { env });
    assert.equal(code, 2, stderr);
    return stderr;
  };
  assert.match(await refused('run', 'x', '--tool', 'browser', '--search', 'exa'), /EXA_API_KEY/);
  assert.match(await refused('run', 'x', '--tool', 'browser', '--search', 'altavista'), /SearXNG/);
  assert.match(await refused('run', 'x', '--corpus', folder), /--tool browser/);
  assert.match(await refused('run', 'x', '--tool', 'hammer'), /browser or python/);
  assert.match(await refused('run', 'x', ...mcp, ...mcp), /label=/);
  assert.match(await refused('serve', '--no-tools', ...mcp), /--mcp/);
});
