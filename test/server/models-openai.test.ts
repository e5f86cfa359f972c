import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { testServer } from '../support/server.ts';

const names = ['openai/gpt-oss-20b', 'gpt-oss:20b', 'ossia-nano'];

async function withModels(use: (get: (path: string, method?: string) => Promise<[number, unknown]>) => Promise<void>) {
  const tokenizer = o200kHarmony();
  const models = Object.fromEntries(names.map((name) => [name, scriptedModel(tokenizer, [], { name })]));
  const server = await testServer({ models });
  try {
    await use(async (path, method = 'GET') => {
      const response = await fetch(`${server.url}${path}`, { method });
      return [response.status, await response.json()];
    });
  } finally {
    await server.close();
  }
}

const model = (id: string, owner: string) => ({
  id,
  object: 'model',
  created: 1_772_323_200,
  owned_by: owner,
  type: 'model',
  display_name: id,
  created_at: '2026-03-01T00:00:00.000Z',
  max_model_len: 4096,
  context_length: 4096,
  max_input_tokens: 4096,
});

test('models are listed as OpenAI lists them, with the length of their context', async () => {
  await withModels(async (get) => {
    const page = { has_more: false, first_id: names[0], last_id: names.at(-1) };
    const data = names.map((name) => model(name, 'local'));
    assert.deepEqual(await get('/v1/models'), [200, { object: 'list', data, ...page }]);
  });
});

test('a model is found by its id, slashes and colons encoded or not', async () => {
  await withModels(async (get) => {
    for (const name of names) {
      const expected = [200, model(name, 'local')];
      assert.deepEqual(await get(`/v1/models/${name}`), expected);
      assert.deepEqual(await get(`/v1/models/${encodeURIComponent(name)}`), expected);
      if (!name.includes(':'))
        assert.deepEqual(await get(`/v1/models/${name}:latest`), [200, model(`${name}:latest`, 'local')]);
    }
    const [status, body] = await get('/v1/models/openai/gpt-6');
    assert.equal(status, 404);
    assert.partialDeepStrictEqual(body, {
      error: { code: 'model_not_found', param: 'model', type: 'not_found_error' },
    });
  });
});

test('what OpenAI has and this server cannot have is said to be so', async () => {
  await withModels(async (get) => {
    for (const [path, method] of [
      ['/v1/embeddings', 'POST'],
      ['/v1/images/generations', 'POST'],
      ['/v1/audio/speech', 'POST'],
      ['/v1/files', 'GET'],
      ['/v1/files/file-1', 'DELETE'],
      ['/v1/chat/completions', 'GET'],
      ['/v1/chat/completions/chatcmpl-1', 'GET'],
    ] as const) {
      const [status, body] = await get(path, method);
      assert.ok([404, 405, 501].includes(status), `${method} ${path}: ${status}`);
      assert.equal(typeof (body as { error: { message: string } }).error.message, 'string');
    }
    const [status] = await get('/v1/embeddings', 'POST');
    assert.equal(status, 404, 'of a kind that clients do not try again');
  });
});
