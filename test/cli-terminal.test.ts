import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { bin, root } from './support/command.ts';

/** The command on a terminal: `script` of util-linux gives it one. */
const hasScript = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');
const skip = hasScript ? false : 'no `script` of util-linux, which makes pseudo-terminals';

const folder = mkdtempSync(join(tmpdir(), 'ossia-'));
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill(); // those of a test that failed
  rmSync(folder, { recursive: true });
});

const CTRL_C = '\x03';
const CTRL_D = '\x04';
const UP = '\x1b[A';
/** Bans every token that ends a message or a turn of ossia-nano. */
const ENDLESS = [3064, 3065, 3069, 3071].map((id) => `--logit-bias ${id}=-100`).join(' ');

class Terminal {
  output = '';
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #seen = 0;

  constructor(args: string, env: Readonly<Record<string, string>> = {}) {
    const command = `exec "${process.execPath}" "${bin}" ${args}`; // a shell left in between would die of Ctrl-C itself
    this.#child = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd: root,
      env: { ...process.env, TERM: 'xterm', XDG_STATE_HOME: folder, NO_COLOR: '', ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      this.output += chunk;
    });
    running.add(this.#child);
    this.#exited = new Promise((resolve) => this.#child.on('close', resolve));
    void this.#exited.then(() => running.delete(this.#child));
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys);
  }

  /** Waits until what came since the last wait matches; returns what came up to the match. */
  async until(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const fresh = this.output.slice(this.#seen);
      const match = pattern.exec(fresh);
      if (match) {
        this.#seen += match.index + match[0].length;
        return fresh.slice(0, match.index + match[0].length);
      }
      assert.ok(Date.now() < deadline, `waited for ${pattern} in ${JSON.stringify(fresh.slice(0, 500))}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The exit code, which `script -e` passes on. */
  exit(): Promise<number | null> {
    return this.#exited;
  }
}

const ESC = '\x1b';
/** The editor waits for input: readline has put the cursor behind "> ". */
const PROMPT = new RegExp(`> ${ESC}\\[3G`);
/** Words, of thoughts or of an answer: the editor's own sequences have no two letters in a row. */
const ANSWERING = /[a-z]{2}/i;
const THINKING = new RegExp(`${ESC}\\[2m\\w+`);

test('run on a terminal shows thoughts dimmed and the answer plain', { skip }, async () => {
  const terminal = new Terminal('run "What can you do?"');
  assert.equal(await terminal.exit(), 0);
  assert.match(terminal.output, THINKING);
  const answer = terminal.output.trimEnd().split('\r\n').at(-1)!;
  assert.equal(answer, stripVTControlCharacters(answer));
});

test('NO_COLOR and --hide-reasoning leave the answer alone', { skip }, async () => {
  const plain = new Terminal('run "What can you do?"', { NO_COLOR: '1' });
  await plain.exit();
  assert.equal(plain.output, stripVTControlCharacters(plain.output));
  const hidden = new Terminal('run "What can you do?" --hide-reasoning');
  await hidden.exit();
  assert.equal(hidden.output.trim().split('\r\n').length, 1);
});

test('Ctrl-C at a run on a terminal exits with 130 and leaves no style behind', { skip }, async () => {
  const terminal = new Terminal(`run "What can you do?" ${ENDLESS}`);
  await terminal.until(/\w+.*\w+/);
  terminal.type(CTRL_C);
  assert.equal(await terminal.exit(), 130);
  const styles = terminal.output.match(new RegExp(`${ESC}\\[\\d+m`, 'g')) ?? [];
  assert.ok([`${ESC}[22m`, undefined].includes(styles.at(-1)), String(styles.at(-1)));
});

test('in a chat Ctrl-C stops the answer and not the program, arrow keys bring back what was said, Ctrl-D ends', {
  skip,
}, async () => {
  const terminal = new Terminal(`chat ${ENDLESS}`);
  await terminal.until(PROMPT);
  terminal.type('Hello\r');
  await terminal.until(/Hello[\r\n]+/); // echoed
  await terminal.until(ANSWERING);
  terminal.type(CTRL_C);
  await terminal.until(/\(stopped\)/);
  await terminal.until(PROMPT);
  terminal.type(UP);
  await terminal.until(/> Hello/);
  terminal.type(CTRL_C); // something is on the line: it goes away, and nothing is said of leaving
  assert.doesNotMatch(await terminal.until(PROMPT), /ends the chat/);
  terminal.type('first line\rsecond line\r'); // a paste
  await terminal.until(/first line[\s\S]*second line/); // echoed
  await terminal.until(ANSWERING);
  terminal.type(CTRL_C);
  await terminal.until(PROMPT);
  terminal.type(CTRL_D);
  assert.equal(await terminal.exit(), 0);
  const history = readFileSync(join(folder, 'ossia', 'chat-history.jsonl'), 'utf8');
  assert.equal(history, '"Hello"\n"first line\\nsecond line"\n'); // the paste was one message
});

test('Ctrl-C twice at an empty prompt ends a chat, and --no-history leaves no trace', { skip }, async () => {
  const state = join(folder, 'other');
  const terminal = new Terminal('chat --no-history', { XDG_STATE_HOME: state });
  await terminal.until(PROMPT);
  terminal.type('/he');
  await terminal.until(/\/he/);
  terminal.type('\t'); // completes
  await terminal.until(/lp/);
  terminal.type('\r');
  await terminal.until(/\/effort low\|medium\|high/);
  await terminal.until(PROMPT);
  terminal.type(CTRL_C);
  await terminal.until(/Ctrl-C again or Ctrl-D ends the chat/);
  await terminal.until(PROMPT);
  terminal.type(CTRL_C);
  assert.equal(await terminal.exit(), 0);
  assert.throws(() => readFileSync(join(state, 'ossia', 'chat-history.jsonl')));
});

test('a call is framed, and the chat asks for its result', { skip }, async () => {
  const tools = join(folder, 'tools.json');
  const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  writeFileSync(
    tools,
    JSON.stringify([{ name: 'get_weather', description: 'Gets the weather in a city.', parameters }]),
  );
  const terminal = new Terminal(`chat --tools "${tools}" --effort low`);
  await terminal.until(PROMPT);
  terminal.type('What is the weather in Oslo?\r');
  const frame = stripVTControlCharacters(await terminal.until(/result of get_weather> /));
  assert.match(frame, /┌ call get_weather\r\n│ {\r\n│ {3}"city": "Oslo"\r\n│ }\r\n└/);
  terminal.type('{"temperature": 21, "conditions": "sunny"}\r');
  assert.match(await terminal.until(PROMPT), /21/);
  terminal.type(CTRL_D);
  assert.equal(await terminal.exit(), 0);
});

test('a call that changes something asks first: a no is told to the model, a yes runs it, always asks no more', {
  skip,
}, async () => {
  const mcp = `--mcp ping.json --tool-choice ping --temperature 0 --max-tokens 90 --reserve 80`;
  const config = {
    mcpServers: { ping: { command: process.execPath, args: [join(root, 'test/support/mcp-ping.ts')] } },
  };
  writeFileSync(join(folder, 'ping.json'), JSON.stringify(config));
  const terminal = new Terminal(`chat ${mcp.replace('ping.json', join(folder, 'ping.json'))}`);
  await terminal.until(PROMPT);
  for (const [answer, outcome] of [
    ['not now', /→ ping did not run: Not allowed: not now/],
    ['y', /→ pong/],
    ['a', /→ pong/],
  ] as const) {
    terminal.type('Ping\r');
    await terminal.until(/Run mcp:ping ping\? \[y\]es, \[n\]o, \[a\]lways: /);
    terminal.type(`${answer}\r`);
    await terminal.until(outcome);
    await terminal.until(PROMPT);
  }
  terminal.type('Ping\r');
  assert.doesNotMatch(await terminal.until(/→ pong/), /\[y\]es/);
  await terminal.until(PROMPT);
  terminal.type(CTRL_D);
  assert.equal(await terminal.exit(), 0);
});

test('Ctrl-C at the question stops the turn', { skip }, async () => {
  const file = join(folder, 'ping.json');
  const force = '--tool-choice ping --temperature 0 --max-tokens 90 --reserve 80';
  const terminal = new Terminal(`run Ping --mcp ${file} ${force}`);
  await terminal.until(/\[a\]lways: /);
  terminal.type(CTRL_C);
  assert.equal(await terminal.exit(), 130);
});
