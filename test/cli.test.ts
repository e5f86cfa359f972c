import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { TokenEvent } from '../src/index.ts';
import { bin, ossia } from './support/command.ts';
import { HubServer } from './support/hub-server.ts';
import { gptOssFiles, REPOSITORY } from './support/store-fixtures.ts';

/** The command as users meet it: arguments, pipes, exit codes, what goes to which stream. */
const folder = mkdtempSync(join(tmpdir(), 'ossia-'));
after(() => rmSync(folder, { recursive: true }));

const QUESTION = 'What can you do?';
const toolsFile = join(folder, 'tools.json');
writeFileSync(
  toolsFile,
  JSON.stringify([
    {
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'Gets the weather in a city.',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
    },
  ]),
);

/** Runs cases side by side: most of a short command is its start. */
async function each<T>(cases: readonly T[], check: (item: T) => Promise<void>): Promise<void> {
  await Promise.all(cases.map(check));
}

interface Event {
  readonly type: string;
  readonly delta?: string;
  readonly name?: string;
  readonly reason?: string;
}

const events = (stdout: string): Event[] =>
  stdout
    .trim()
    .split('\n')
    .map((line): Event => JSON.parse(line));

test('run answers a question with the embedded model: the answer alone, without colours', async () => {
  const { stdout, code } = await ossia(['run', QUESTION], { env: { FORCE_COLOR: '1' } });
  assert.match(stdout, /^[A-Z]/);
  assert.ok(!stdout.includes('\x1b'));
  assert.equal(stdout.split('\n').length, 2);
  assert.equal(code, 0);
});

test('a model may come first, by name or path or variable, and the prompt from a pipe', async () => {
  const expected = (await ossia(['run', QUESTION, '--date', 'none'])).stdout;
  await each(
    [
      [['ossia-nano', QUESTION], undefined, {}],
      [['./models/ossia-nano', QUESTION], undefined, {}],
      [['--model', 'ossia-nano', QUESTION], undefined, {}],
      [['ossia-nano'], `${QUESTION}\n`, {}],
      [[], QUESTION, { OSSIA_MODEL: './models/ossia-nano' }],
    ] as const,
    async ([args, input, env]) => {
      const { stdout, stderr } = await ossia(['run', '--date', 'none', ...args], { ...(input ? { input } : {}), env });
      assert.equal(stdout, expected, `${args} ${stderr}`);
    },
  );
});

test('piped text follows the prompt, and a pipe that nobody writes to does not hold the answer up', async () => {
  const both = await ossia(['run', 'What can', '--json', '--max-tokens', '1'], { input: 'you do?' });
  const one = await ossia(['run', 'What can\n\nyou do?', '--json', '--max-tokens', '1']);
  const promptTokens = (stdout: string) => events(stdout).find(({ type }) => type === 'usage');
  assert.deepEqual(promptTokens(both.stdout), promptTokens(one.stdout));

  const child = spawn(process.execPath, [bin, 'run', QUESTION], { stdio: ['pipe', 'ignore', 'ignore'] });
  const code = await new Promise((resolve) => child.on('exit', resolve)); // its standard input is never closed
  assert.equal(code, 0);
});

test('run --json prints every event of the turn, and the text of its pieces is the answer', async () => {
  const plain = await ossia(['run', QUESTION]);
  const { stdout } = await ossia(['run', QUESTION, '--json']);
  const found = events(stdout);
  const text = found.filter(({ type }) => type === 'text').map(({ delta }) => delta);
  assert.equal(`${text.join('')}\n`, plain.stdout);
  assert.ok(found.some(({ type }) => type === 'reasoning'));
  assert.deepEqual(
    found.slice(-2).map(({ type }) => type),
    ['usage', 'end'],
  );
  assert.equal(found.at(-1)!.reason, 'stop');
});

test('run --logprobs puts each token before what it adds, with its best alternatives', async () => {
  const { stdout } = await ossia(['run', QUESTION, '--json', '--logprobs', '2', '--no-constrain']);
  const tokens = events(stdout).filter(({ type }) => type === 'token');
  const usage = events(stdout).find(({ type }) => type === 'usage') as unknown as { outputTokens: number };
  assert.equal(tokens.length, usage.outputTokens);
  for (const { id, logprob, top } of tokens as unknown as TokenEvent[]) {
    assert.deepEqual([top!.length, top![0]!.id, top![0]!.logprob], [2, id, logprob]); // ossia-nano decodes greedily
  }
});

test('run --tools prints the call that the model makes', async () => {
  const { stdout, code } = await ossia(['run', 'What is the weather in Oslo?', '--tools', toolsFile]);
  assert.deepEqual(JSON.parse(stdout), { name: 'get_weather', arguments: { city: 'Oslo' } });
  assert.equal(code, 0);
});

test('run --tool-choice, --response-format and --max-reasoning-tokens hold the turn', async () => {
  const weather = ['run', 'What is the weather in Oslo?', '--tools', toolsFile];
  const format = join(folder, 'format.json');
  writeFileSync(format, '{"type": "object", "properties": {"mood": {"enum": ["good"]}}, "required": ["mood"]}');
  await each<[string[], RegExp, number]>(
    [
      [[...weather, '--tool-choice', 'none'], /^[^{]/, 0],
      [
        ['run', QUESTION, '--tools', toolsFile, '--tool-choice', 'get_weather', '--max-tokens', '300'],
        /^\{"name":"get_w/,
        0,
      ],
      [['run', QUESTION, '--response-format', format], /^\{"mood": ?"good"\}$/, 0],
      [['run', QUESTION, '--max-reasoning-tokens', '0', '--json'], /^(?!.*"reasoning")/, 0],
      [[...weather, '--tool-choice', 'get_news'], /declared are get_weather[\s\S]*harmony\/bad-constraint/, 1],
      [['run', QUESTION, '--tool-choice', 'required'], /no tools are declared/, 1],
      [
        ['run', QUESTION, '--response-format', join(folder, 'none')],
        /Cannot read a response format[\s\S]*cli\/usage/,
        2,
      ],
      [['run', QUESTION, '--max-reasoning-tokens', 'x'], /--max-reasoning-tokens/, 2],
      [['run', QUESTION, '--reserve', '40', '--max-tokens', '45', '--json'], /^(?!.*"reasoning").*"text"/s, 0],
      [['run', QUESTION, '--max-tokens', '1', '--json'], /"promptTokens":1?\d\d,/, 0],
      [['run', QUESTION, '--builtin', 'python', '--max-tokens', '1', '--json'], /"promptTokens":[2-9]\d\d,/, 0],
      [['run', QUESTION, '--builtin', 'perl'], /browser or python/, 2],
      [
        ['run', 'word '.repeat(90), '--context', '64'],
        /\d+ tokens: the context holds 64[\s\S]*chat\/context-exceeded/,
        1,
      ],
      [['run', QUESTION, '--truncation', 'middle'], /--truncation/, 2],
    ],
    async ([args, expected, status]) => {
      const { stdout, stderr, code } = await ossia(args);
      assert.match(code === 0 ? stdout.trim() : stderr, expected);
      assert.equal(code, status, stderr);
    },
  );
});

test('the same seed gives the same tokens, --stats tells which it was, and --stop cuts the answer', async () => {
  const args = ['run', 'Tell me something.', '--temperature', '1.3', '--date', 'none', '--max-tokens', '40'];
  const first = await ossia([...args, '--stats']);
  const seed = /seed (\d+)/.exec(first.stderr)![1]!;
  assert.equal((await ossia([...args, '--seed', seed])).stdout, first.stdout);
  assert.match(first.stderr, /output \d+ tokens/);

  const whole = (await ossia(['run', QUESTION])).stdout.trim();
  const cut = (await ossia(['run', QUESTION, '--stop', whole.slice(10, 15)])).stdout.trim();
  assert.equal(cut, whole.slice(0, whole.indexOf(whole.slice(10, 15))).trim());
});

test('what is wrong is refused by name before any work, with exit code 2', async () => {
  const cases = [
    [['run', 'hi', '--temprature', '1'], /unknown option '--temprature'/, /--temperature/],
    [['run', 'hi', '--temperature', '-1'], /--temperature.*\[0, 10\]/, /--help/],
    [['run', 'hi', '--temperature', 'warm'], /--temperature/, /--help/],
    [['run', 'hi', '--top-p', '0'], /--top-p.*\(0, 1\]/, /--help/],
    [['run', 'hi', '--seed', '1.5'], /--seed/, /--help/],
    [['run', 'hi', '--effort', 'max'], /--effort.*low, medium, high/, /--help/],
    [['run', 'hi', '--logit-bias', 'hello=1'], /--logit-bias/, /--help/],
    [['run', 'hi', '--max-tokens', '0'], /--max-tokens/, /--help/],
    [['run', 'hi', '--stop', ''], /--stop/, /--help/],
    [['run', 'hi', '--date', 'tomorrow'], /--date/, /--help/],
    [['run', 'hi', '--tools', join(folder, 'absent.json')], /absent\.json/, /--tools/],
    [['run', 'a', 'b', 'c'], /too many arguments/, /--help/],
    [['run', 'gpt-oss:20b'], /without a prompt/, /ossia chat gpt-oss:20b/],
    [['run'], /No prompt/, /ossia chat/],
    [['run', ' '], /empty/, /quotes/],
    [['rnu', 'hi'], /unknown command 'rnu'/, /Did you mean run/],
    [['inspect', 'logits'], /--model/, /--help/],
    [['inspect', 'logits', '--model', 'ossia-nano', '--out', join(folder, 'no', 'such.st')], /such\.st/, /--out/],
  ] as const;
  await each(cases, async ([args, message, next]) => {
    const { stdout, stderr, code } = await ossia(args);
    const [first, second, third] = stderr.split('\n');
    assert.match(first!, new RegExp(`^error: .*${message.source}`), args.join(' '));
    assert.equal(second, '  cli/usage');
    assert.match(third!, new RegExp(`^  next: .*${next.source}`), args.join(' '));
    assert.deepEqual([stdout, code], ['', 2], args.join(' '));
  });
});

test('a variable with an absurd value is refused by its name', async () => {
  const pulled = await ossia(['pull', 'gpt-oss:20b'], { env: { HF_ENDPOINT: 'hub' } });
  assert.match(pulled.stderr, /HF_ENDPOINT.*"hub"\n {2}cli\/usage\n {2}next: .*HF_ENDPOINT/);
  assert.equal(pulled.code, 2);
  const { stderr, code } = await ossia(['run', 'hi'], { env: { OSSIA_THREADS: 'many' } });
  assert.match(stderr, /OSSIA_THREADS/);
  assert.equal(code, 2);
});

test('errors have no stack, unless OSSIA_DEBUG asks for it', async () => {
  const args = ['run', 'openai/gpt-oss-21b', 'hi'];
  const env = { HF_HOME: join(folder, 'hf'), OLLAMA_MODELS: join(folder, 'ollama') };
  const { stderr, code } = await ossia(args, { env });
  assert.match(
    stderr,
    /^error: Cannot find model "openai\/gpt-oss-21b".*\n {2}store\/unknown-model\n {2}next: .*ossia pull/,
  );
  assert.doesNotMatch(stderr, /\n\s+at /);
  assert.equal(code, 1);
  assert.match((await ossia(args, { env: { ...env, OSSIA_DEBUG: '1' } })).stderr, /\n\s+at /);
});

test('help and version are for standard output and for success', async () => {
  const version = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
  assert.deepEqual(await ossia(['--version']), { stdout: `${version}\n`, stderr: '', code: 0 });
  const help = await ossia(['--help']);
  assert.match(help.stdout, /run .*\n.*chat/);
  assert.equal(help.code, 0);
  await each(['run', 'chat', 'pull', 'list', 'show', 'rm', 'verify', 'doctor', 'inspect'], async (command) => {
    assert.match(help.stdout, new RegExp(`\\n  ${command}`));
    assert.equal((await ossia([command, '--help'])).code, 0);
  });
});

test('a reader that leaves early is no error', async () => {
  const child = spawn(process.execPath, [bin, 'inspect', 'checkpoint', 'ossia-nano', 'ossia-nano', 'ossia-nano']);
  child.stdout.once('data', () => child.stdout.destroy());
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.deepEqual([stderr, code], ['', 0]);
});

test('Ctrl-C stops an answer and exits with 130', async () => {
  const endless = ['3065', '3069', '3071', '3064'].flatMap((id) => ['--logit-bias', `${id}=-100`]);
  const child = spawn(process.execPath, [bin, 'run', QUESTION, '--json', ...endless]);
  child.stdout.once('data', () => child.kill('SIGINT'));
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 130);
  assert.equal(events(stdout).at(-1)!.reason, 'cancelled');
});

test('chat from a pipe takes a message or a command a line, and a call waits for its result', async () => {
  const saved = join(folder, 'talk.json');
  const input = [
    '/system Be brief.',
    `/tools ${toolsFile}`,
    '/seed 5',
    'What is the weather in Oslo?',
    '{"temperature": 21, "conditions": "sunny"}',
    `/save ${saved}`,
    '/nonsense',
    '/clear',
    `/load ${saved}`,
    `/save ${toolsFile}`,
    '/exit',
    'Hello',
  ];
  const { stdout, stderr, code } = await ossia(['chat', '--effort', 'low'], { input: input.join('\n') });
  const [call, answer, ...rest] = stdout.trim().split('\n');
  assert.deepEqual(JSON.parse(call!), { name: 'get_weather', arguments: { city: 'Oslo' } });
  assert.match(answer!, /21/);
  assert.deepEqual(rest, []);
  assert.equal(code, 0);
  const { messages } = JSON.parse(readFileSync(saved, 'utf8')) as { messages: { role: string }[] };
  assert.deepEqual(
    messages.map(({ role }) => role),
    ['system', 'user', 'assistant', 'tool', 'assistant'],
  );
  assert.match(stderr, /loaded 5 messages/);
  assert.match(stderr, /Unknown command \/nonsense/);
  assert.match(stderr, /no saved conversation/); // the tools file is not written over
});

test('pull downloads with the variables of the hub, list and show find it, rm removes it', async () => {
  const server = await HubServer.start(REPOSITORY, gptOssFiles());
  const env = { HF_ENDPOINT: server.endpoint, HF_HOME: join(folder, 'hub'), OLLAMA_MODELS: join(folder, 'none') };
  try {
    const pulled = await ossia(['pull', 'gpt-oss:20b'], { env });
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.match(pulled.stdout, /^\/.*snapshots.*\n$/); // only where the model is
    assert.match(pulled.stderr, /\d+ files, 1\.\d MiB to download/);
    assert.ok(!pulled.stderr.includes('\x1b') && !pulled.stderr.includes('\r'));
    const again = await ossia(['pull', 'gpt-oss:20b', '--json'], { env });
    assert.equal(events(again.stdout).at(-1)!.type, 'done');
    assert.match(
      (await ossia(['list'], { env })).stdout,
      new RegExp(`${REPOSITORY} +hub +huggingface +1\\.\\d MiB +complete`),
    );
    const listed = (await ossia(['list', '--json'], { env })).stdout.trim().split('\n');
    assert.ok(listed.some((line) => JSON.parse(line).name === REPOSITORY));
    const removed = await ossia(['rm', 'gpt-oss:20b'], { env });
    assert.match(removed.stdout, /^Removed openai\/gpt-oss-20b: 1\.\d MiB freed/);
    assert.doesNotMatch((await ossia(['list'], { env })).stdout, /openai/);
  } finally {
    await server.close();
  }
});

test('show, verify and doctor describe the embedded model and this machine', async () => {
  assert.match((await ossia(['show'])).stdout, /layers +4, 2 of them with a window of 128/);
  assert.equal(JSON.parse((await ossia(['show', '--json'])).stdout).config.numExperts, 16);
  assert.match((await ossia(['verify', 'ossia-nano'])).stdout, /79 tensors, .*no problem found/);
  const report = JSON.parse((await ossia(['doctor', '--json'])).stdout);
  assert.ok(report.bandwidthBytesPerSecond > 1e8);
  assert.deepEqual(
    report.paths.map(({ backend }: { backend: string }) => backend),
    ['cpu', 'reference'],
  );
  assert.ok(report.paths[0].available || report.paths[0].next);
  const text = (await ossia(['doctor'])).stdout;
  assert.match(text, /gpt-oss-20b +bf16 +16-bit +12\.8 GiB/);
  assert.match(text, /upper bound/);
});

test('verify names the tensor whose scales are NaN', async () => {
  const copy = join(folder, 'damaged');
  cpSync(new URL('./golden/micro', import.meta.url), copy, { recursive: true });
  const { stdout } = await ossia(['inspect', 'checkpoint', copy]);
  const tensors = JSON.parse(stdout).tensors as { name: string; offset: number; file: string }[];
  const scales = tensors.find(({ name }) => name.endsWith('down_proj_scales'))!;
  const file = readFileSync(scales.file);
  file[scales.offset + 5] = 255;
  writeFileSync(scales.file, file);
  const verified = await ossia(['verify', copy]);
  assert.match(verified.stdout, /down_proj_scales.*index 5[\s\S]*checkpoint\/nan-scale/);
  assert.equal(verified.code, 1);
});

test('verify finds a tensor that the model needs and the files lack', async () => {
  const copy = join(folder, 'incomplete');
  cpSync(new URL('./golden/micro', import.meta.url), copy, { recursive: true });
  const config = join(copy, 'config.json');
  const layers = JSON.stringify({
    ...JSON.parse(readFileSync(config, 'utf8')),
    num_hidden_layers: 3,
    layer_types: null,
  });
  writeFileSync(config, layers);
  const { stdout, code } = await ossia(['verify', copy]);
  assert.match(stdout, /model\.layers\.2\.input_layernorm\.weight[\s\S]*checkpoint\/missing-tensor/);
  assert.match(stdout, /1 problem found/);
  assert.equal(code, 1);
});
