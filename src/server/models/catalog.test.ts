import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { addToOllama, ggufBytes, isolated, temporaryDirectory } from '../../../test/support/store-fixtures.ts';
import { Catalog, otherNames } from './catalog.ts';
import { FakeClock } from './testing.ts';

const REGISTRY = 'registry.ollama.ai';

test('names of one model lead to whichever store has it', async (t) => {
  const home = await temporaryDirectory(t);
  const stores = isolated(home);
  const clock = new FakeClock();
  const catalog = new Catalog({ defaultModel: 'ossia-nano', stores, clock, aliases: { best: 'someone/tuned' } });
  assert.equal(await catalog.find('gpt-oss:20b'), undefined);
  const blob = await addToOllama(join(home, 'ollama'), `${REGISTRY}/library/gpt-oss/20b`, ggufBytes('gptoss'));
  await addToOllama(join(home, 'ollama'), `${REGISTRY}/someone/tuned/latest`, ggufBytes('gpt-oss', 4000));
  await addToOllama(join(home, 'ollama'), `${REGISTRY}/someone/half/latest`, ggufBytes('gptoss', 9000), 100);
  assert.equal(await catalog.find('gpt-oss:20b'), undefined, 'a listing is good for a second');
  clock.advance(1000);
  for (const name of ['gpt-oss:20b', 'openai/gpt-oss-20b', 'ggml-org/gpt-oss-20b-GGUF', 'GPT-OSS', 'gpt-oss:latest']) {
    const found = await catalog.find(name);
    assert.deepEqual([found?.name, found?.path, found?.load], ['gpt-oss:20b', blob, 'gpt-oss:20b'], name);
  }
  for (const name of ['someone/tuned', 'someone/tuned:latest', 'best', 'best:latest']) {
    assert.equal((await catalog.find(name))?.name, 'someone/tuned:latest', name);
  }
  for (const name of ['gpt-oss:120b', 'someone/half', 'sha256', blob, 'SOMEONE/tuned', 'tuned']) {
    assert.equal(await catalog.find(name), undefined, name);
  }
  const { message } = await catalog.unknown('a"\n', ['mine']);
  assert.match(message, /^There is no model "a\\"\\n" here; there is ossia-nano, .*best, mine$/);
  assert.deepEqual(otherNames('openai/gpt-oss-120b'), ['gpt-oss:120b']);
});

test('no text but the names that are known finds anything', async (t) => {
  const catalog = new Catalog({ defaultModel: 'models/ossia-nano', stores: isolated(await temporaryDirectory(t)) });
  const known = new Set(['ossia-nano', 'ossia-nano:latest']);
  const part = fc.constantFrom(
    'ossia-nano',
    'models',
    '..',
    '.',
    '/',
    '\\',
    '~',
    ':latest',
    ' ',
    '\0',
    '%2e',
    'C:',
    '*',
  );
  const name = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 5 }).map((parts) => parts.join('')),
  );
  await fc.assert(
    fc.asyncProperty(name, async (text) => {
      const found = await catalog.find(text);
      assert.equal(found?.name, known.has(text) ? 'ossia-nano' : undefined);
    }),
    { numRuns: 500 },
  );
});
