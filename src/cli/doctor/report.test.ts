import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitModels } from './report.ts';

const machine = { availableBytes: 16e9, memoryBytes: 16e9 } as Parameters<typeof fitModels>[0];
const fits = fitModels(machine, 1e10);

test('the 20b with 8-bit dense weights and 8-bit keys and values has its longest context within 16 GB', () => {
  const { contexts } = fits.find(
    ({ model, dense, kvBits }) => model === 'gpt-oss-20b' && dense === 'q8' && kvBits === 8,
  )!;
  assert.deepEqual([contexts.at(-1)!.tokens, contexts.at(-1)!.fits], [131_072, 'fits']);
});

test('8-bit keys and values take 17 bytes where 16-bit ones take 32', () => {
  const [at16, at8] = [16, 8].map(
    (bits) => fits.find(({ dense, kvBits }) => dense === 'q8' && kvBits === bits)!.contexts,
  );
  assert.deepEqual([at16!.at(-1)!.kvBytes, at8!.at(-1)!.kvBytes], [3_224_371_200, (3_224_371_200 * 17) / 32]);
});
