import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { readWhole } from '../support/ollama-lines.ts';
import { ollamaServer } from '../support/ollama-server.ts';
import type { TestServer } from '../support/server.ts';

type Json = Record<string, unknown>;

interface Sent {
  readonly status: number;
  readonly text: string;
}

async function send({ url }: TestServer, method: string, path: string, body?: Json): Promise<Sent> {
  const response = await fetch(`${url}/api/${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
  return { status: response.status, text: await response.text() };
}

async function json(server: TestServer, method: string, path: string, body?: Json): Promise<Json> {
  const { status, text } = await send(server, method, path, body);
  assert.equal(status, 200, text);
  return JSON.parse(text);
}

async function names(server: TestServer, path = 'tags'): Promise<string[]> {
  const { models } = (await json(server, 'GET', path)) as { models: { name: string }[] };
  return models.map(({ name }) => name);
}

const linesOf = ({ text }: Sent): Json[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const hi = (model: string): Json => ({ model, stream: false, messages: [{ role: 'user', content: 'Hello' }] });

test('a model is pulled with its progress, found by its names, used, and deleted', async (t) => {
  const { server, hub, home } = await ollamaServer(t);
  assert.deepEqual(await names(server), ['ossia-nano']);
  assert.equal((await send(server, 'POST', 'chat', hi('gpt-oss:20b'))).status, 404);

  const pulled = linesOf(await send(server, 'POST', 'pull', { name: 'gpt-oss:20b' }));
  assert.deepEqual([pulled[0], pulled.at(-1)], [{ status: 'pulling manifest' }, { status: 'success' }]);
  const sizes = pulled.filter(({ status }) => status === 'pulling model.safetensors');
  assert.ok(sizes.length > 0);
  for (const { total, completed } of sizes) assert.ok(Number(completed) <= Number(total));
  assert.equal(new Set(sizes.map(({ digest }) => digest)).size, 1);
  assert.match(String(sizes[0]?.digest), /^sha256:[0-9a-f]{64}$/);
  assert.ok(new Set(pulled.flatMap(({ digest }) => digest ?? [])).size >= 4, 'each file has its own');

  assert.deepEqual(await names(server), ['ossia-nano', 'gpt-oss:20b', 'openai/gpt-oss-20b']);
  const said = readWhole((await send(server, 'POST', 'chat', hi('gpt-oss:20b'))).text);
  assert.match(said.content, /Hello/);

  hub.takeSeen();
  assert.deepEqual(linesOf(await send(server, 'POST', 'pull', { model: 'gpt-oss' })).at(-1), { status: 'success' });
  assert.deepEqual(await json(server, 'POST', 'pull', { model: 'gpt-oss:20b', stream: false }), { status: 'success' });
  assert.deepEqual(hub.takeSeen(), [], 'what is here is not asked for');

  await json(server, 'DELETE', 'delete', { name: 'gpt-oss:20b' });
  assert.deepEqual(await names(server), ['ossia-nano']);
  assert.deepEqual(await names(server, 'ps'), []);
  const left = readdirSync(join(home, 'hub')).filter((name) => name.startsWith('models--'));
  assert.deepEqual(left, []);
  assert.match((await send(server, 'DELETE', 'delete', { name: 'gpt-oss:20b' })).text, /not found, try pulling/);
});

test('a pull that fails says so in its last line, and one for a path is refused', async (t) => {
  const { server, hub } = await ollamaServer(t);
  const missing = await send(server, 'POST', 'pull', { model: 'openai/nothing-like-it' });
  assert.equal(missing.status, 200);
  const last = linesOf(missing).at(-1);
  assert.deepEqual(Object.keys(last ?? {}), ['error']);
  const whole = await send(server, 'POST', 'pull', { model: 'openai/nothing-like-it', stream: false });
  assert.ok(whole.status >= 400 && typeof JSON.parse(whole.text).error === 'string', whole.text);
  hub.takeSeen();
  for (const model of ['../../etc/passwd', '/etc/passwd', 'a/../b', 'http://127.0.0.1/x', 'x'.repeat(10_000), 'a b']) {
    const { status, text } = await send(server, 'POST', 'pull', { model });
    assert.deepEqual([status, JSON.parse(text).error.startsWith('invalid model name')], [400, true]);
  }
  assert.deepEqual(hub.takeSeen(), []);
});

test('a client that leaves stops the download', async (t) => {
  const { server, hub } = await ollamaServer(t);
  hub.faults.delayMs = 200;
  const abort = new AbortController();
  const init = { method: 'POST', body: '{"model":"gpt-oss:20b"}', signal: abort.signal };
  const reader = (await fetch(`${server.url}/api/pull`, init)).body!.getReader();
  const decoder = new TextDecoder();
  for (let text = ''; !text.includes('"completed":65536'); ) {
    const { value, done } = await reader.read();
    assert.ok(!done, text);
    text += decoder.decode(value);
  }
  abort.abort();
  await reader.read().catch(() => {});
  // The lock is free again, so that the next pull goes on where this one stopped.
  hub.faults.delayMs = 0;
  const deadline = Date.now() + 30_000;
  for (;;) {
    const last = linesOf(await send(server, 'POST', 'pull', { model: 'gpt-oss:20b' })).at(-1);
    if (last?.status === 'success') break;
    assert.ok(Date.now() < deadline, JSON.stringify(last));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

test('show tells what a model is without loading it', async (t) => {
  const { server, host } = await ollamaServer(t);
  const shown = await json(server, 'POST', 'show', { model: 'ossia-nano' });
  assert.deepEqual(
    (await host.models()).filter(({ loaded }) => loaded),
    [],
  );
  assert.deepEqual(shown.capabilities, ['completion', 'tools', 'thinking']);
  const { 'gptoss.context_length': longest, ...info } = shown.model_info as Json;
  assert.equal(info['general.architecture'], 'gptoss');
  assert.ok(Number(longest) > 2048);
  assert.deepEqual(shown.details, {
    parent_model: '',
    format: 'safetensors',
    family: 'gptoss',
    families: ['gptoss'],
    parameter_size: (shown.details as Json).parameter_size,
    quantization_level: 'MXFP4',
  });
  assert.match(String((shown.details as Json).parameter_size), /^\d+\.\d[KMB]$/);
  await send(server, 'POST', 'chat', { model: 'ossia-nano' });
  const loaded = await json(server, 'POST', 'show', { name: 'ossia-nano:latest' });
  assert.equal((loaded.model_info as Json)['gptoss.context_length'], 2048);
  assert.match(String(loaded.parameters), /^num_ctx +2048$/m);
});

test('ps lists what is loaded, and since keep_alive is over it lists nothing', async (t) => {
  const { server } = await ollamaServer(t);
  assert.deepEqual(await names(server, 'ps'), []);
  await send(server, 'POST', 'chat', { model: 'ossia-nano', keep_alive: '1h' });
  const { models } = (await json(server, 'GET', 'ps')) as { models: Json[] };
  const [only] = models;
  assert.match(JSON.stringify(only?.details), /"parameter_size":"\d+\.\dM"/);
  assert.deepEqual([only?.name, only?.size_vram, only?.context_length], ['ossia-nano', 0, 2048]);
  assert.ok(Number(only?.size) > 8_000_000);
  const left = Date.parse(String(only?.expires_at)) - Date.now();
  assert.ok(left > 50 * 60_000 && left <= 3_600_000, `${left} ms`);
  await send(server, 'POST', 'generate', { model: 'ossia-nano', keep_alive: -1 });
  const { models: forever } = (await json(server, 'GET', 'ps')) as { models: Json[] };
  assert.ok(Date.parse(String(forever[0]?.expires_at)) - Date.now() > 100 * 365 * 86_400_000);
  assert.equal(
    JSON.parse((await send(server, 'POST', 'generate', { model: 'ossia-nano', keep_alive: 0 })).text).done_reason,
    'unload',
  );
  assert.deepEqual(await names(server, 'ps'), []);
});

test('create makes a model of fields or of a Modelfile, which chat, copy and delete then know', async (t) => {
  const { server } = await ollamaServer(t);
  const request = {
    model: 'pirate',
    from: 'ossia-nano',
    system: 'Talk like a pirate.',
    parameters: { temperature: 0, stop: ['Z'] },
  };
  const made = linesOf(await send(server, 'POST', 'create', request));
  assert.deepEqual(made.at(-1), { status: 'success' });
  const shown = await json(server, 'POST', 'show', { model: 'pirate' });
  assert.equal(shown.system, 'Talk like a pirate.');
  assert.match(
    String(shown.modelfile),
    /^FROM ossia-nano\nPARAMETER temperature +0\nPARAMETER stop +"Z"\nSYSTEM """Talk like a pirate\."""\n$/,
  );
  assert.deepEqual((shown.details as Json).parent_model, 'ossia-nano');

  const plain = readWhole((await send(server, 'POST', 'chat', hi('ossia-nano'))).text);
  const pirate = readWhole((await send(server, 'POST', 'chat', hi('pirate:latest'))).text);
  assert.equal(JSON.parse((await send(server, 'POST', 'chat', hi('pirate'))).text).model, 'pirate');
  assert.ok(
    Number(pirate.last?.prompt_eval_count) > Number(plain.last?.prompt_eval_count),
    'the instructions are there',
  );

  const modelfile =
    'FROM pirate\n# more\nPARAMETER num_predict 3\nPARAMETER num_ctx 8192\nSYSTEM """\nBe short.\n"""\n';
  const again = linesOf(await send(server, 'POST', 'create', { name: 'short', modelfile }));
  assert.ok(again.some(({ status }) => /^num_ctx is up to the server/.test(String(status))));
  const short = readWhole((await send(server, 'POST', 'chat', hi('short'))).text);
  assert.deepEqual([short.last?.done_reason, short.last?.eval_count], ['length', 3]);

  assert.deepEqual(await json(server, 'POST', 'copy', { source: 'short', destination: 'brief' }), {
    status: 'success',
  });
  assert.deepEqual((await names(server)).toSorted(), ['brief', 'ossia-nano', 'pirate', 'short']);
  await json(server, 'DELETE', 'delete', { model: 'short' });
  assert.deepEqual((await names(server)).toSorted(), ['brief', 'ossia-nano', 'pirate']);
});

test('what cannot be made, copied or deleted is said', async (t) => {
  const { server } = await ollamaServer(t);
  const refused = async (method: string, path: string, body: Json, status: number) => {
    const { status: got, text } = await send(server, method, path, body);
    assert.equal(got, status, text);
    return JSON.parse(text).error as string;
  };
  const create = (body: Json, status = 400) =>
    refused('POST', 'create', { model: 'x', from: 'ossia-nano', ...body }, status);
  assert.match(await create({ from: 'nope' }, 404), /model "nope" not found/);
  assert.match(await create({ from: '/etc/passwd' }, 404), /not found/);
  assert.match(await create({ model: '../x' }), /cannot be a model's name/);
  assert.match(await create({ model: 'ossia-nano' }), /model with weights/);
  assert.match(await create({ from: null }), /which model to make it of/);
  assert.match(await create({ parameters: { warp: 9 } }), /no parameter "warp"/);
  assert.match(await create({ parameters: { temperature: 'hot' } }), /parameters\.temperature/);
  assert.match(await create({ template: '{{ .Prompt }}' }), /template: /);
  assert.match(await create({ files: { 'a.gguf': 'sha256:00' } }), /files: /);
  assert.match(await create({ modelfile: 'FROM x\nTEMPLATE """y"""' }), /TEMPLATE is not supported/);
  assert.match(await create({ modelfile: 'SYSTEM """never ends' }), /has no end/);
  assert.match(await refused('POST', 'copy', { source: 'nope', destination: 'y' }, 404), /model "nope" not found/);
  assert.match(await refused('DELETE', 'delete', { model: 'ossia-nano' }, 409), /part of Ossia/);
  assert.match(await refused('DELETE', 'delete', { model: '../../tmp' }, 404), /not found/);
});
