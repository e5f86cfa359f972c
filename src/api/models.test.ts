import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host, ModelCard } from './host.ts';
import { listModels, retrieveModel } from './models.ts';

const card = (name: string, more: Partial<ModelCard> = {}): ModelCard => ({
  name,
  origin: 'hub',
  sizeBytes: 1,
  modified: new Date('2026-03-01T00:00:00.700Z'),
  layout: 'huggingface',
  ...more,
});

const host: Host = {
  lend: () => Promise.reject(new TypeError('no model is asked for here')),
  models: async () => [
    card('openai/gpt-oss-20b', { otherNames: ['gpt-oss:20b', 'gpt-oss'] }),
    card('ossia-nano', { origin: 'embedded' }),
    card('gpt-oss', { origin: 'path' }),
    card('mine:latest', { origin: 'ollama' }),
  ],
};

const bodyOf = async (id: string) => {
  const reply = await retrieveModel(host, id);
  assert.equal(reply.type, 'json');
  return reply.type === 'json' ? reply.body : undefined;
};

const model = (id: string, owner: string) => ({
  id,
  object: 'model',
  created: 1_772_323_200,
  owned_by: owner,
  type: 'model',
  display_name: id,
  created_at: '2026-03-01T00:00:00.700Z',
});

test('a model that is not loaded says nothing of its context', async () => {
  const data = [
    model('openai/gpt-oss-20b', 'openai'),
    model('ossia-nano', 'ossia'),
    model('gpt-oss', 'local'),
    model('mine:latest', 'library'),
  ];
  const page = { has_more: false, first_id: 'openai/gpt-oss-20b', last_id: 'mine:latest' };
  assert.deepEqual(await listModels(host), { type: 'json', status: 200, body: { object: 'list', data, ...page } });
});

test('a model is found by its other names; a name of its own goes before them', async () => {
  assert.deepEqual(await bodyOf('gpt-oss:20b'), model('gpt-oss:20b', 'openai'));
  assert.deepEqual(await bodyOf('gpt-oss'), model('gpt-oss', 'local'));
  await assert.rejects(retrieveModel(host, 'gpt-6'), { code: 'api/unknown-model' });
});
