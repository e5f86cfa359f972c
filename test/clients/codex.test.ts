import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ScriptedModel, scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { type TestServer, testServer } from '../support/server.ts';

const program = fileURLToPath(new URL('node_modules/@openai/codex/bin/codex.js', import.meta.url));
const TIMEOUT_MS = 120_000;
const directories: string[] = [];
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function newDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `ossia-${name}-`));
  directories.push(directory);
  return directory;
}

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function codex(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const home = newDirectory('codex-home');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      env: { PATH: process.env.PATH ?? '', HOME: home, CODEX_HOME: home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    const run = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      run.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      run.stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, ...run });
    });
  });
}

const version = existsSync(program) ? await codex(['--version']) : undefined;
const skip = version?.code === 0 ? false : 'the Codex CLI does not run on this machine';

/** `codex exec` as somebody types it, against a server of ours in Ollama's place. Nothing but that server is asked. */
function exec(
  server: TestServer,
  directory: string,
  { provider = 'ollama', more = [] }: { provider?: string; more?: readonly string[] } = {},
): Promise<Run> {
  const offline = ['-c', 'analytics.enabled=false', '-c', 'check_for_update_on_startup=false', '--disable', 'plugins'];
  const free = ['--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', '-C', directory];
  const args = ['exec', '--oss', '--local-provider', provider, ...offline, ...free, ...more, 'Look into it'];
  return codex(args, { CODEX_OSS_BASE_URL: `${server.url}/v1` });
}

const CALL = ' <|constrain|>json<|message|>';
const shell = (command: string) =>
  `<|channel|>analysis<|message|>I need the shell.<|end|><|start|>assistant<|channel|>commentary<|message|>Let me look.<|end|>` +
  `<|start|>assistant<|channel|>commentary to=functions.exec_command${CALL}${JSON.stringify({ cmd: command })}<|call|>`;
const done =
  '<|channel|>analysis<|message|>Now I know.<|end|><|start|>assistant<|channel|>final<|message|>It is 42.<|return|>';

async function withServer(
  turns: readonly string[],
  use: (server: TestServer, model: ScriptedModel) => Promise<void>,
  { name = 'gpt-oss:20b', contextLength = 131_072 } = {},
) {
  const model = scriptedModel(o200kHarmony(), turns, { name, contextLength });
  const server = await testServer({ model });
  try {
    await use(server, model);
    assert.equal(server.host.leases, 0);
  } finally {
    await server.close();
  }
}

/** The prompt of one request, in words. */
const promptOf = (model: ScriptedModel, index: number) =>
  model.tokenizer.decode(model.engine.requests[index]?.prompt ?? []);

test('Codex runs a command in the shell and answers from what it printed', { skip }, async () => {
  const turns = [shell('echo $((6 * 7)) | tee proof.txt'), done];
  await withServer(turns, async (server, model) => {
    const directory = newDirectory('codex-work');
    const { code, stdout, stderr } = await exec(server, directory);
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim(), 'It is 42.');
    assert.equal(readFileSync(join(directory, 'proof.txt'), 'utf8'), '42\n');
    assert.match(stderr, /Let me look\./, 'remarks before a call are shown');
    assert.equal(model.engine.requests.length, 2, 'no request was repeated');
    // Codex keeps the conversation itself; the model yet sees its own first turn, to the token, and what the shell said.
    const [first, second] = model.engine.requests;
    const turn = model.tokenizer.encodeWithSpecials(turns[0]!);
    assert.deepEqual(second?.prompt.slice(0, first!.prompt.length + turn.length), [...first!.prompt, ...turn]);
    assert.match(promptOf(model, 1).slice(promptOf(model, 0).length), /functions\.exec_command to=assistant.*42\n/s);
  });
});

test('Codex knows its own functions in a namespace', { skip }, async () => {
  const call = `<|channel|>commentary to=functions.multi_agent_v1__close_agent${CALL}{"target":"nobody"}<|call|>`;
  await withServer([call, done], async (server, model) => {
    const { code, stdout, stderr } = await exec(server, newDirectory('codex-work'));
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim(), 'It is 42.');
    const [, result = ''] = promptOf(model, 1).split('functions.multi_agent_v1__close_agent to=assistant');
    assert.match(result, /agent/i, 'the function has answered');
    assert.doesNotMatch(result, /unsupported|unknown tool/i);
  });
});

/** What `ollama launch` writes for Codex, so that it knows the model: its window, and that it may send patches as plain text. */
function catalog(): string {
  const file = join(newDirectory('codex-catalog'), 'models.json');
  const model = {
    ...{ slug: 'gpt-oss:20b', display_name: 'gpt-oss 20b', description: 'Here.', visibility: 'list', priority: 1 },
    ...{ supported_in_api: true, shell_type: 'shell_command', apply_patch_tool_type: 'freeform' },
    ...{ base_instructions: 'You are a coding agent.', truncation_policy: { mode: 'tokens', limit: 10_000 } },
    ...{ supports_parallel_tool_calls: true, support_verbosity: false, supports_reasoning_summaries: true },
    ...{ context_window: 131_072, default_reasoning_level: 'medium', experimental_supported_tools: [] },
    supported_reasoning_levels: [{ effort: 'medium', description: 'Balanced' }],
  };
  writeFileSync(file, JSON.stringify({ models: [model] }));
  return file;
}

test('Codex applies a patch that came as plain text', { skip }, async () => {
  const patch = '*** Begin Patch\n*** Add File: hello.txt\n+Hello, "world"\n*** End Patch\n';
  const call = `<|channel|>commentary to=functions.apply_patch${CALL}${patch}<|call|>`;
  await withServer([call, done], async (server, model) => {
    const directory = newDirectory('codex-work');
    const { code, stdout, stderr } = await exec(server, directory, { more: ['-c', `model_catalog_json=${catalog()}`] });
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim(), 'It is 42.');
    assert.equal(readFileSync(join(directory, 'hello.txt'), 'utf8'), 'Hello, "world"\n');
    assert.doesNotMatch(stderr, /Model metadata .* not found/);
    assert.match(promptOf(model, 1), /functions\.apply_patch to=assistant/);
  });
});

test('Codex works with the server in the place of LM Studio, which it warms up first', { skip }, async () => {
  const use = async (server: TestServer, model: ScriptedModel) => {
    const { code, stdout, stderr } = await exec(server, newDirectory('codex-work'), { provider: 'lmstudio' });
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim(), 'It is 42.');
    const warmUp = model.engine.requests.filter(({ params }) => params.maxTokens === 1);
    assert.equal(warmUp.length, 1);
  };
  await withServer(['', shell('echo $((6 * 7))'), done], use, { name: 'openai/gpt-oss-20b' });
});

test('Codex understands that a conversation is too long', { skip }, async () => {
  const use = async (server: TestServer, model: ScriptedModel) => {
    const { code, stderr } = await exec(server, newDirectory('codex-work'));
    assert.equal(code, 1);
    assert.match(stderr, /ran out of room in the model's context window/);
    assert.equal(model.engine.requests.length, 0);
  };
  await withServer([done], use, { contextLength: 2000 });
});
