import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allowToken, type Constraint } from './constraint.ts';
import { Generation } from './generation.ts';
import { resolveParams } from './params.ts';
import type { StepEntry } from './runner.ts';
import { samplerScratch } from './sampling.ts';
import type { Speculate } from './speculation.ts';
import { StepCosts } from './step-costs.ts';
import { alone, collect, fakeLogits, type Outcome, open, steps } from './testing.ts';
import type { GenerateEvent } from './types.ts';

const VOCAB = 4; // of so few ids, what follows is often what followed before

/** After an even id only odd ones; three ids are forced wherever a 3 came. */
class Parity implements Constraint {
  #last = 1;
  #owed: number[] = [];

  allow(mask: Uint32Array): void {
    for (const id of this.#now()) allowToken(mask, id);
  }

  advance(id: number): void {
    assert.ok(this.#now().includes(id), `${id} is not allowed`);
    if (this.#owed.length > 0) this.#owed.shift();
    else if (id === 3) this.#owed = [1, 2, 1];
    this.#last = id;
  }

  forced(): readonly number[] {
    return [...this.#owed];
  }

  #now(): readonly number[] {
    if (this.#owed.length > 0) return this.#owed.slice(0, 1);
    return this.#last % 2 === 0 ? [1, 3] : [0, 1, 2];
  }
}

const plain = ({ tokens, end: { timing: _, speculation: __, ...end } }: Outcome) => ({ tokens, end });

test('drafts change neither tokens nor logprobs, and what is kept of them can be gone on from', async () => {
  const request = fc.record({
    prompt: fc.array(fc.nat(VOCAB - 1), { minLength: 1, maxLength: 30 }),
    params: fc.record({
      maxTokens: fc.integer({ min: 1, max: 60 }),
      seed: fc.nat(1000),
      temperature: fc.constantFrom(0, 0.7, 1),
      stopIds: fc.constantFrom([], [2]),
      topLogprobs: fc.constantFrom(0, 3),
      frequencyPenalty: fc.constantFrom(0, 0.3),
      repetitionPenalty: fc.constantFrom(1, 1.2),
    }),
    isConstrained: fc.boolean(),
  });
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 4 }),
      fc.constantFrom<Speculate[]>('auto', 1, 4, 8),
      fc.integer({ min: 0, max: 6 }), // blocks to spare: few make sequences give way
      async (requests, speculate, spare) => {
        const run = async (speculate: Speculate) => {
          const shape = { vocabSize: VOCAB, blockSize: 4, window: 6, contextLength: 110, capacity: 24 + spare };
          const { runner, engine } = open(shape, { speculate });
          const ask = ({ prompt, params, isConstrained }: (typeof requests)[number]) =>
            collect(engine.submit(prompt, params, isConstrained ? { constraint: new Parity() } : {}));
          const together = await Promise.all(requests.map(ask));
          const goesOn = together.map(({ ids }, i) => ({ ...requests[i]!, prompt: [...requests[i]!.prompt, ...ids] }));
          const after: Outcome[] = [];
          for (const next of goesOn.filter(({ prompt }) => prompt.length < 50)) after.push(await ask(next));
          accepted += engine.stats().speculation.acceptedTokens;
          await engine.close();
          assert.deepEqual([runner.blocksInUse(), runner.windows.size], [0, 0]);
          return [...together, ...after]
            .map(plain)
            .map(({ tokens, end: { cachedTokens: _, ...end } }) => ({ tokens, end }));
        };
        assert.deepEqual(await run(speculate), await run('off'));
      },
    ),
    { numRuns: 150 },
  );
  assert.ok(accepted > 100, `drafts came true: ${accepted}`);
});

test('a draft takes fewer steps, and the end and the totals tell how much of it came true', async () => {
  const prompt = [0, 1, 2, 3, 0, 1, 2, 3, 0, 1];
  const always = { 2: 100 }; // the bias leaves nothing to chance: 2 follows whatever comes
  const params = { maxTokens: 33, temperature: 0, stopIds: [], logitBias: always };
  const { runner, engine } = open({ vocabSize: VOCAB }, { speculate: 4 });
  const { ids, end } = await collect(engine.submit(prompt, params));
  assert.deepEqual(ids, Array(33).fill(2));
  const { drafted, accepted } = end.speculation!;
  assert.equal(runner.steps.length, 33 - accepted);
  assert.ok(accepted >= 20 && accepted <= drafted);
  const { speculation, decodeTokens } = engine.stats();
  assert.deepEqual([speculation.draftedTokens, speculation.acceptedTokens, decodeTokens], [drafted, accepted, 33]);
  assert.ok(speculation.drafts > 0 && speculation.drafts <= drafted);
  await engine.close();
});

test('a draft that differs is refused from there on, whatever comes after it', () => {
  const params = resolveParams({ temperature: 0, stopIds: [] }, {}, VOCAB);
  const scratch = samplerScratch(VOCAB);
  const truth = alone([1, 2], { maxTokens: 6, temperature: 0, stopIds: [] }, VOCAB);
  for (let wrong = 0; wrong <= 4; wrong++) {
    const emitted: number[] = [];
    const emit = (event: GenerateEvent) => void (event.type === 'token' && emitted.push(event.id));
    const sink = { emit, fail: assert.fail };
    const generation = new Generation({ prompt: [1, 2], params, limit: 99, sink });
    // Right but for one place; behind it the draft is what would have followed the right id.
    const draft = truth.slice(0, 4).map((id, i) => (i === wrong ? (id + 1) % VOCAB : id));
    const rows = Array.from({ length: 5 }, (_, i) => fakeLogits([1, 2, ...draft.slice(0, i)], VOCAB));
    assert.equal(generation.accept(rows, scratch, draft), wrong);
    assert.deepEqual(emitted, truth.slice(0, wrong + 1));
  }
});

test('nothing is drafted beside many sequences, nor beyond what may come', async () => {
  const { runner, engine } = open({ vocabSize: VOCAB }, { speculate: 8 });
  const params = { maxTokens: 20, temperature: 0, stopIds: [], logitBias: { 2: 100 } };
  await Promise.all(Array.from({ length: 5 }, () => collect(engine.submit([2, 2, 2, 2], params))));
  assert.equal(engine.stats().speculation.drafts, 0);
  const before = runner.steps.length;
  await collect(engine.submit([2, 2, 2, 2, 2], { ...params, maxTokens: 4 }));
  const own = runner.steps.slice(before).flatMap((entries) => entries.map(({ length }) => length));
  assert.deepEqual(own.slice(1), [3]); // one was sampled after the prompt; of the last three, two are drafted
  await engine.close();
});

test('a cancelled request keeps nothing that was only drafted', async () => {
  const [drafting, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { runner, engine } = open(
    {
      vocabSize: VOCAB,
      blockSize: 2,
      beforeStep: async (entries) => {
        if (entries[0]!.ids.length !== 5) return;
        drafting.resolve();
        await left.promise;
      },
    },
    { speculate: 4 },
  );
  const abort = new AbortController();
  const prompt = [0, 1, 2, 0, 1, 2, 0, 1];
  const params = { maxTokens: 30, temperature: 0, stopIds: [], logitBias: { 3: 100 } };
  const cancelled = collect(engine.submit(prompt, params, { signal: abort.signal }));
  await drafting.promise;
  abort.abort();
  const { ids } = await cancelled;
  left.resolve();
  const drafted = runner.steps.length + 1;
  await steps(runner, drafted);
  assert.deepEqual(runner.steps.at(-1), [[3, 3, 3, 3, 3]]);
  const again = [...prompt, ...ids, 3, 0];
  const { ids: next, end } = await collect(engine.submit(again, { ...params, maxTokens: 8 }));
  assert.equal(end.cachedTokens, prompt.length + ids.length); // not the 3 that was drafted behind them
  assert.deepEqual(next, Array(8).fill(3));
  await engine.close();
  assert.equal(runner.blocksInUse(), 0);
});

test('costs are what was measured, and before that what a mixture of experts reads at most', () => {
  const costs = new StepCosts();
  assert.equal(costs.ratio(1, 4), 1 + 3 * 0.37);
  for (let i = 0; i < 9; i++) costs.add(1, i === 4 ? 1000 : 10); // one that was held up does not count
  for (let i = 0; i < 3; i++) costs.add(4, 16);
  assert.equal(costs.ratio(1, 4), 1.6);
  assert.ok(Math.abs(costs.ratio(1, 7) - 2.2) < 1e-9); // as the measured ones grow
  for (let i = 0; i < 600; i++) costs.add(1, 20);
  assert.equal(costs.ratio(1, 4), 1 + 3 * 0.37); // too old
});

for (const [what, msOf, drafts] of [
  ['makes drafts where they cost little', () => 1, true],
  ['stops where a step takes as long as its ids would one by one', (ids: number) => ids, false],
] as const) {
  test(`auto ${what}`, async () => {
    const costs = msOf;
    let clock = 0;
    const beforeStep = (entries: readonly StepEntry[]) => {
      clock += costs(entries[0]!.ids.length);
    };
    const original = performance.now;
    const { runner, engine } = open({ vocabSize: VOCAB, contextLength: 2000, beforeStep }, { speculate: 'auto' });
    performance.now = () => clock;
    try {
      const params = { maxTokens: 900, temperature: 1, seed: 4, stopIds: [], logitBias: { 1: 3 } };
      const { end } = await collect(engine.submit([1, 2, 1, 2, 1], params));
      assert.equal(end.outputTokens, 900);
      const computed = runner.steps.length;
      if (drafts) assert.ok(computed < 600, `${computed} steps`);
      else assert.ok(computed > 800, `${computed} steps`);
    } finally {
      performance.now = original;
      await engine.close();
    }
  });
}
