import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type EngineOptions, openEngine } from '../src/engine/index.ts';
import { cpuMissing } from './support/backends.ts';

const path = fileURLToPath(new URL('../models/ossia-nano', import.meta.url));
const checks: { cases: { prompt_ids: number[] }[] } = JSON.parse(
  readFileSync(new URL('golden/ossia-nano-checks.json', import.meta.url), 'utf8'),
);
const skips = { cpu: await cpuMissing(), reference: false } as const;

/** Samples after some prompts at a high temperature, all at once; returns what came, per prompt. */
async function sampleAll(options: Omit<EngineOptions, 'path'>, count: number): Promise<string[]> {
  const { engine, close } = await openEngine({ path, ...options });
  const outputs = checks.cases.slice(0, count).map(async ({ prompt_ids }, seed) => {
    const ids: number[] = [];
    const params = { temperature: 1.3, seed, maxTokens: 61, stopIds: [] };
    for await (const event of engine.submit(prompt_ids.slice(0, 190), params))
      if (event.type === 'token') ids.push(event.id);
    return ids.join(' ');
  });
  const all = await Promise.all(outputs);
  await close();
  return all;
}

for (const [backend, count] of [
  ['cpu', 11],
  ['reference', 4],
] as const) {
  test(`${backend}: tokens are the same one by one, in company, in other pieces, and in a cache that is too small`, {
    skip: skips[backend],
  }, async () => {
    const roomy = await sampleAll(
      { backend, context: 2000, maxRunning: 1, prefill: { alone: 512, besideDecode: 512 } },
      count,
    );
    // Each prompt with its answer needs four blocks of 64; here are five for all.
    const tight = await sampleAll(
      { backend, context: 320, maxRunning: 5, prefill: { alone: 50, besideDecode: 7 } },
      count,
    );
    assert.deepEqual(tight, roomy);
    assert.equal(new Set(roomy).size, count);
  });
}
