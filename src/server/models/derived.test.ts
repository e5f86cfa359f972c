import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { StoredDerivedModels } from './derived.ts';

const base = async (name: string) => (name.replace(/:latest$/, '') === 'nano' ? 'nano' : undefined);

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ossia-derived-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

test('a derived model outlives the server; one made of another has its preset too', async (t) => {
  const file = join(await directory(t), 'data', 'models.json');
  const now = () => new Date('2026-03-01T12:00:00Z');
  const models = new StoredDerivedModels({ file, base, now });
  await models.create('pirate', { from: 'nano:latest', system: 'Arr.', parameters: { temperature: 0.5, topK: 4 } });
  await models.create('me/shy:v1', { from: 'pirate:latest', parameters: { topK: 9, stop: ['.'] } });
  await models.copy('nano', 'plain');
  const again = new StoredDerivedModels({ file, base });
  assert.deepEqual(await again.list(), [
    { name: 'pirate', from: 'nano', modified: now(), system: 'Arr.', parameters: { temperature: 0.5, topK: 4 } },
    {
      name: 'me/shy:v1',
      from: 'nano',
      modified: now(),
      system: 'Arr.',
      parameters: { temperature: 0.5, topK: 9, stop: ['.'] },
    },
    { name: 'plain', from: 'nano', modified: now() },
  ]);
  assert.equal((await again.get('pirate:latest'))?.system, 'Arr.');
  assert.deepEqual([await again.delete('pirate'), await again.delete('pirate')], [true, false]);
  assert.equal(await new StoredDerivedModels({ file, base }).get('pirate'), undefined);
  assert.deepEqual(await readdir(join(file, '..')), ['models.json'], 'nothing half-written lies about');
});

test('names that cannot be are refused: paths, those of models with weights, and too many', async () => {
  const models = new StoredDerivedModels({ base });
  const refused = [
    '',
    '../x',
    '/etc/passwd',
    'a/b/c',
    'a b',
    'x\n',
    '.hidden',
    'a:b:c',
    'nano',
    'nano:latest',
    'n'.repeat(201),
  ];
  for (const name of refused) {
    await assert.rejects(models.create(name, { from: 'nano' }), { code: 'api/bad-request' }, JSON.stringify(name));
  }
  await assert.rejects(models.create('x', { from: 'other' }), { code: 'api/unknown-model', message: /"other"/ });
  await assert.rejects(models.create('x', { from: 'nano', system: 'x'.repeat(2 ** 20 + 1) }), {
    code: 'api/bad-request',
  });
  assert.deepEqual(await models.list(), []);
  await Promise.all(Array.from({ length: 1000 }, (_, i) => models.create(`m${i}`, { from: 'nano' })));
  await assert.rejects(models.create('one-more', { from: 'nano' }), { code: 'api/bad-request', message: /1000/ });
  await models.create('m7', { from: 'nano', system: 'anew' });
});

test('changes at the same time are all kept; a file that cannot be read is left as it is', async (t) => {
  const file = join(await directory(t), 'models.json');
  const models = new StoredDerivedModels({ file, base });
  await Promise.all(['a', 'b', 'c'].map((name) => models.create(name, { from: 'nano' })));
  assert.equal((await new StoredDerivedModels({ file, base }).list()).length, 3);
  await writeFile(file, '{"models": [{"name": 1}]}');
  const broken = new StoredDerivedModels({ file, base });
  await assert.rejects(broken.create('d', { from: 'nano' }), { code: 'server/store-failed' });
  assert.equal(await readFile(file, 'utf8'), '{"models": [{"name": 1}]}');
});
