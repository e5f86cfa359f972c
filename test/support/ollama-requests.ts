import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { type ScriptedModel, type ScriptedTurn, scriptedModel } from '../../src/chat/testing.ts';
import { ollamaRoutes } from '../../src/server/routes/ollama.ts';
import { type OllamaAnswer, readLines, readWhole } from './ollama-lines.ts';
import { closeNano, nano, type TestServer, testServer } from './server.ts';

export type Json = Record<string, unknown>;

export const model = 'ossia-nano';
/** A tool that the embedded model knows to call. */
export const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Gets the weather.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', description: 'The city' } },
      required: ['city'],
    },
  },
};
export const ask = (content: string, more: Json = {}): Json => ({
  model,
  messages: [{ role: 'user', content }],
  ...more,
});

/** The embedded model behind Ollama's routes, once `useServer` has been called. */
export let server: TestServer;

/** For the time of a file's tests. */
export function useServer(): void {
  before(async () => {
    server = await testServer({ groups: [ollamaRoutes] });
  });
  after(async () => {
    await server?.close();
    await closeNano();
  });
}

export async function post(path: string, body: unknown, to = server): Promise<{ response: Response; text: string }> {
  const init = { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(`${to.url}/api/${path}`, init);
  return { response, text: await response.text() };
}

export async function streamed(
  body: Json,
  { to = server, path = 'chat' as 'chat' | 'generate' } = {},
): Promise<OllamaAnswer> {
  const { response, text } = await post(path, body, to);
  assert.equal(response.status, 200, text);
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
  return readLines(text, path);
}

export async function whole(
  body: Json,
  { to = server, path = 'chat' as 'chat' | 'generate' } = {},
): Promise<OllamaAnswer> {
  const { response, text } = await post(path, { ...body, stream: false }, to);
  assert.equal(response.status, 200, text);
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  return readWhole(text, path);
}

/** What Ossia says besides. */
export function extras({ last = {} }: OllamaAnswer): Json {
  return last.ossia as Json;
}

/** The error of a request that is refused. */
export async function refused(path: string, body: unknown, status: number, to = server): Promise<string> {
  const { response, text } = await post(path, body, to);
  assert.equal(response.status, status, text.slice(0, 500));
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  const { error, ...rest } = JSON.parse(text);
  assert.deepEqual([typeof error, rest], ['string', {}]);
  return error;
}

/** A server whose model replays what it is told to. */
export async function scripted(
  turns: readonly ScriptedTurn[],
  use: (to: TestServer, model: ScriptedModel) => Promise<void>,
  { msPerToken = 0 } = {},
): Promise<void> {
  const replay = scriptedModel((await nano()).tokenizer, turns, { name: model, msPerToken });
  const to = await testServer({ model: replay, groups: [ollamaRoutes] });
  try {
    await use(to, replay);
    assert.equal(to.host.leases, 0);
    assert.equal(to.turns.size, 0);
  } finally {
    await to.close();
  }
}

export const say = (text: string) => `<|channel|>final<|message|>${text}<|return|>`;
export const think = (text: string) => `<|channel|>analysis<|message|>${text}<|end|><|start|>assistant`;
export const call = (name: string, args: string) =>
  `<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>${args}<|call|>`;

export async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, 'it did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
