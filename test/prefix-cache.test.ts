import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type EndEvent, type EngineOptions, openEngine, type TokenEvent } from '../src/engine/index.ts';
import { cpuMissing } from './support/backends.ts';

// Turns that go on where others ended: only new tokens are computed, and every number is as if all had been.

const path = fileURLToPath(new URL('../models/ossia-nano', import.meta.url));
const checks: { cases: { prompt_ids: number[] }[] } = JSON.parse(
  readFileSync(new URL('golden/ossia-nano-checks.json', import.meta.url), 'utf8'),
);
const text = checks.cases.flatMap(({ prompt_ids }) => prompt_ids);
const skips = { cpu: await cpuMissing(), reference: false } as const;

type Ask = (ids: readonly number[], maxTokens: number) => Promise<{ tokens: TokenEvent[]; end: EndEvent }>;

/** Asks an engine that keeps, and one that computes everything each time; their tokens and logprobs must be equal to the bit. */
async function withBoth(
  options: Omit<EngineOptions, 'path'>,
  use: (ask: Ask, evictions: () => number) => Promise<void>,
) {
  const keeping = await openEngine({ path, ...options });
  const forgetting = await openEngine({ path, ...options, maxKept: 0 });
  const askOne = async ({ engine }: typeof keeping, ids: readonly number[], maxTokens: number) => {
    const tokens: TokenEvent[] = [];
    const params = { maxTokens, temperature: 1.2, seed: 11, stopIds: [], topLogprobs: 5 };
    for await (const event of engine.submit(ids, params)) {
      if (event.type === 'end') return { tokens, end: event };
      tokens.push(event);
    }
    return assert.fail('no end came');
  };
  try {
    await use(
      async (ids, maxTokens) => {
        const [found, expected] = [await askOne(keeping, ids, maxTokens), await askOne(forgetting, ids, maxTokens)];
        assert.deepEqual(found.tokens, expected.tokens);
        assert.equal(expected.end.cachedTokens, 0);
        return found;
      },
      () => keeping.engine.stats().prefixCache.evictions,
    );
    const stats = keeping.engine.stats();
    assert.equal(stats.blocksInUse, stats.prefixCache.blocks);
  } finally {
    await keeping.close();
    await forgetting.close();
  }
}

/** Ids that come one after the other, never the same ones twice. */
function reader(from: number): (count: number) => number[] {
  let at = from;
  return (count) => {
    at += count;
    return text.slice(at - count, at);
  };
}

for (const backend of ['cpu', 'reference'] as const) {
  const context = backend === 'cpu' ? 900 : 500;

  test(`${backend}: each turn of a conversation computes its new tokens alone, far beyond the window`, {
    skip: skips[backend],
  }, async () => {
    await withBoth({ backend, context }, async (ask) => {
      const next = reader(0);
      let ids = next(70);
      let before = 0;
      while (ids.length < context - 90) {
        const { tokens, end } = await ask(ids, 19);
        assert.equal(end.cachedTokens, before);
        before = ids.length + tokens.length - 1; // the last one was sampled, and never computed
        ids = [...ids, ...tokens.map(({ id }) => id), ...next(37)];
      }
    });
  });

  test(`${backend}: branches of one system text, and a turn whose thoughts are left out, go on from where they part`, {
    skip: skips[backend],
  }, async () => {
    await withBoth({ backend, context: 2 * context }, async (ask) => {
      const next = reader(300);
      const system = next(205);
      const [a, b, c] = [
        [...system, ...next(31)],
        [...system, ...next(45)],
        [...system, ...next(60)],
      ];
      const first = await ask(a, 150);
      const cached = [first.end.cachedTokens, (await ask(b, 40)).end.cachedTokens, (await ask(c, 3)).end.cachedTokens];
      assert.deepEqual(cached, [0, 205, 205]); // the window still reaches back from where the first answer began
      const dropped = [...a, ...first.tokens.slice(100).map(({ id }) => id), ...next(20)];
      assert.equal((await ask(dropped, 3)).end.cachedTokens, a.length);
      assert.equal((await ask(a, 3)).end.cachedTokens, a.length - 1);
    });
  });

  test(`${backend}: what others pushed out is computed again, from the last place that is left`, {
    skip: skips[backend],
  }, async () => {
    await withBoth({ backend, context: 320, cacheTokens: 448 }, async (ask, evictions) => {
      const next = reader(700);
      const mine = next(200);
      const { tokens } = await ask(mine, 20);
      await ask(next(230), 10); // needs four blocks of the seven, and three are free
      assert.ok(evictions() > 0);
      const again = await ask([...mine, ...tokens.map(({ id }) => id), ...next(9)], 5);
      assert.ok(again.end.cachedTokens < 200, `${again.end.cachedTokens} cached`);
      const more = await ask([...mine, ...tokens.map(({ id }) => id)], 5);
      assert.equal(more.end.cachedTokens, 219);
    });
  });
}
