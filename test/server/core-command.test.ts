import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bin, ossia, root } from '../support/command.ts';
import { RawConnection, rawPost } from '../support/raw-http.ts';

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'ossia-serve-'));
});
after(() => rmSync(directory, { recursive: true }));

interface Served {
  readonly url: string;
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<number | string | null>;
}

/** `ossia serve` in a process of its own, once it has said where. */
async function serve(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Served> {
  const child = spawn(process.execPath, [bin, 'serve', '--context', '4096', ...args], {
    cwd: root,
    env: { ...process.env, OSSIA_HOST: '127.0.0.1:0', XDG_DATA_HOME: directory, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  const ended = new Promise<number | string | null>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
  const url = await new Promise<string>((resolve, reject) => {
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]!.setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        const found = /curl (http\S+)\/v1/.exec(output.stdout)?.[1];
        if (found) resolve(found);
      });
    }
    ended.then((code) => reject(new Error(`ossia serve ended with ${code}: ${output.stderr}`)));
  });
  return { url, child, output, ended };
}

const chat = {
  model: 'ossia-nano',
  messages: [{ role: 'user', content: 'What can you do?' }],
  ignore_eos: true,
  stream: true,
};

test('the command says what it serves, answers as it says, and ends in order on SIGTERM', async () => {
  const { url, child, output, ended } = await serve(['--drain', '30s', '--log-format', 'json']);
  assert.match(output.stdout, /^Ossia serves ossia-nano at http:\/\/127\.0\.0\.1:\d+\n/);
  assert.match(
    output.stdout,
    /context +4,096 tokens\n.*backend +\S.*\n.*memory +\S+ MiB of weights, at most \S+ MiB of KV cache\n/s,
  );
  assert.match(output.stdout, /keys +none asked for/);
  const reply = await fetch(`${url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"model":"ossia-nano","input":"What can you do?"}',
  });
  assert.equal(((await reply.json()) as { status: string }).status, 'completed');
  const stream = new RawConnection(url).write(rawPost('/v1/chat/completions', { ...chat, max_tokens: 300 }));
  await stream.until((text) => text.includes('data:'));
  child.kill('SIGTERM');
  assert.match(await stream.untilClosed(), /"finish_reason":"length".*\[DONE\]/s);
  assert.equal(await ended, 0);
  const lines = output.stderr.split('\n').filter((line) => line.startsWith('{'));
  const requests = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
  assert.deepEqual(
    requests.map(({ path, status }) => [path, status]),
    [
      ['/v1/responses', 200],
      ['/v1/chat/completions', 200],
    ],
  );
});

test('when the drain is over, the stream is ended as it should be, and the exit code is 0', async () => {
  const { url, child, ended } = await serve(['--drain', '50ms']);
  const stream = new RawConnection(url).write(rawPost('/v1/chat/completions', chat));
  await stream.until((text) => text.includes('data:'));
  child.kill('SIGINT');
  const received = await stream.untilClosed();
  assert.match(received, /"finish_reason":"\w+".*data: \[DONE\]/s);
  assert.equal(await ended, 0);
});

test('a second signal ends it at once', async () => {
  const { url, child, ended } = await serve(['--drain', '10m', '--data', 'none']);
  const stream = new RawConnection(url).write(rawPost('/v1/chat/completions', chat));
  await stream.until((text) => text.includes('data:'));
  child.kill('SIGTERM');
  await stream.until((text) => text.includes('data:'));
  setTimeout(() => child.kill('SIGTERM'), 200);
  assert.equal(await ended, 143);
});

test('keys come from the command line, the environment and a file of hashes; ossia key makes one', async () => {
  const made = await ossia(['key', 'carol']);
  assert.equal(made.code, 0);
  const key = /^key +(ossia-\S+)$/m.exec(made.stdout)?.[1] ?? '';
  const file = join(directory, 'keys');
  writeFileSync(file, `# who may\n${/^key file +(\S+)$/m.exec(made.stdout)?.[1]}\n`);
  const { url, child, output, ended } = await serve(['--api-key', 'from-flag', '--data', 'none'], {
    OSSIA_API_KEY_FILE: file,
  });
  assert.match(output.stdout, /keys +one of 2 is needed/);
  const status = async (authorization: string) =>
    (await fetch(`${url}/v1/models`, { headers: { authorization } })).status;
  assert.deepEqual(
    [await status(`Bearer ${key}`), await status('Bearer from-flag'), await status('Bearer carol'), await status('')],
    [200, 200, 401, 401],
  );
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('listening for everybody without a key is warned of', async () => {
  const { child, output, ended } = await serve(['--data', 'none'], { OSSIA_HOST: '0.0.0.0:0' });
  assert.match(output.stdout, /curl http:\/\/localhost:\d+/);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  assert.match(output.stderr, /warning: everybody who can reach 0\.0\.0\.0/);
});

test('wrong flags are wrong usage, and a model that is not there is an error, with nothing left running', async () => {
  for (const [args, code, words] of [
    [['--host', 'a b'], 2, /Cannot listen on "a b"/],
    [['--port', '70000'], 2, /65535/],
    [['--drain', 'soon'], 2, /duration/],
    [['--tls-cert', 'x'], 2, /belong together/],
    [['--api-key-file', '/nowhere'], 2, /Cannot read the keys/],
    [['--alias', 'gpt-4o'], 2, /name=model/],
    [['no-such-model', '--port', '0', '--data', 'none'], 1, /no-such-model/],
  ] as const) {
    const outcome = await ossia(['serve', ...args]);
    assert.equal(outcome.code, code, `${args.join(' ')}: ${outcome.stderr}`);
    assert.match(outcome.stderr, words);
  }
});
