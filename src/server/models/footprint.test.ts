import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openEngine } from '../../engine/index.ts';
import { measureModel } from './footprint.ts';

const NANO = join(fileURLToPath(new URL('../../../models/', import.meta.url)), 'ossia-nano');
const GIB = 2 ** 30;

test('what is measured is what the engine takes', async () => {
  const cases = [
    {},
    { context: 512 },
    { context: 5000, maxRunning: 3 },
    { context: 1000, cacheTokens: 9000 },
    { kvBits: 8, context: 700 },
  ] as const;
  for (const options of cases) {
    const { engine, info } = await openEngine({ path: NANO, backend: 'auto', threads: 1, ...options });
    const { weightsBytes, kvBytes, context } = await measureModel('nano', NANO, options, 64 * GIB);
    const bitsOf16 = 'kvBits' in options ? (17 / 32) * 16 : 16;
    const perValue = info.backend === 'cpu' ? 1 : 32 / bitsOf16; // the reference keeps 32 bits
    assert.deepEqual(
      [weightsBytes, kvBytes * perValue, context],
      [info.sizeBytes, info.kvBytesCapacity, info.contextLength],
    );
    await engine.close();
  }
});

test('without a wish, the context is the longest that fits; one that was wished for is never cut', async () => {
  const whole = await measureModel('nano', NANO, {}, 64 * GIB);
  const maxBytes = whole.weightsBytes + whole.kvBytes / 3;
  const cut = await measureModel('nano', NANO, {}, maxBytes);
  assert.ok(cut.context % 64 === 0 && cut.context < whole.context);
  assert.ok(cut.weightsBytes + cut.kvBytes <= maxBytes);
  const longer = await measureModel('nano', NANO, { context: cut.context + 64 }, 64 * GIB);
  assert.ok(longer.weightsBytes + longer.kvBytes > maxBytes, 'one block more does not fit');
  await assert.rejects(measureModel('nano', NANO, { context: whole.context }, maxBytes), {
    code: 'server/model-too-large',
  });
  const least = await measureModel('nano', NANO, { context: 4096 }, 64 * GIB);
  const room = least.weightsBytes + least.kvBytes;
  assert.equal((await measureModel('nano', NANO, {}, room)).context, 4096);
  await assert.rejects(measureModel('nano', NANO, {}, room - 1), { code: 'server/model-too-large' });
});
