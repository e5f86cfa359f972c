import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { storeOptionsFromEnvironment } from './options.ts';

test('an empty environment means the places where the tools of Hugging Face and Ollama keep models', () => {
  const options = storeOptionsFromEnvironment({ HOME: '/home/ada' });
  assert.equal(options.endpoint, 'https://huggingface.co');
  assert.equal(options.token, undefined);
  assert.equal(options.hubCache, '/home/ada/.cache/huggingface/hub');
  assert.equal(options.tokenFile, '/home/ada/.cache/huggingface/token');
  assert.equal(options.ollamaModels?.[0], '/home/ada/.ollama/models');
  assert.equal(options.offline, false);
});

test('each variable moves what it should, and the more special one wins', () => {
  const base = { HOME: '/home/ada', XDG_CACHE_HOME: '/cache' };
  assert.equal(storeOptionsFromEnvironment(base).hubCache, '/cache/huggingface/hub');
  const moved = { ...base, HF_HOME: '~/hf' };
  assert.equal(storeOptionsFromEnvironment(moved).hubCache, '/home/ada/hf/hub');
  assert.equal(storeOptionsFromEnvironment(moved).tokenFile, '/home/ada/hf/token');
  assert.equal(storeOptionsFromEnvironment({ ...moved, HF_HUB_CACHE: '/big' }).hubCache, '/big');
  const all = storeOptionsFromEnvironment({
    ...base,
    HF_ENDPOINT: 'https://mirror.example/',
    HF_TOKEN: ' hf_abc\n',
    OLLAMA_MODELS: '/ollama',
    HF_HUB_OFFLINE: '1',
  });
  assert.deepEqual(
    [all.endpoint, all.token, all.ollamaModels, all.offline],
    ['https://mirror.example/', 'hf_abc', ['/ollama'], true],
  );
  assert.equal(storeOptionsFromEnvironment({ ...base, HF_TOKEN: '', HF_HOME: ' ' }).token, undefined);
});

test('relative directories are taken from here', () => {
  const { hubCache } = storeOptionsFromEnvironment({ HOME: '/home/ada', HF_HOME: 'models' });
  assert.equal(hubCache, join(process.cwd(), 'models', 'hub'));
});
