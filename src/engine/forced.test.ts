import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allowToken, type Constraint } from './constraint.ts';
import { alone, collect, type Outcome, open, promptOf, steps } from './testing.ts';
import type { GenerateParams } from './types.ts';

/**
 * Runs of ids that must come, between places where one of a few may. Positions cycle through `pattern`: a number is forced,
 * a list is a choice.
 */
class Pattern implements Constraint {
  readonly #pattern: readonly (number | readonly number[])[];
  readonly #tellsForced: boolean;
  /** Ids to force once somebody hurries. */
  #ending: number[] = [];
  #at = 0;

  constructor(pattern: readonly (number | readonly number[])[], tellsForced: boolean) {
    this.#pattern = pattern;
    this.#tellsForced = tellsForced;
  }

  #now(): readonly number[] {
    if (this.#ending.length > 0) return [this.#ending[0]!];
    const place = this.#pattern[this.#at % this.#pattern.length]!;
    return typeof place === 'number' ? [place] : place;
  }

  allow(mask: Uint32Array): void {
    for (const id of this.#now()) allowToken(mask, id);
  }

  advance(id: number): void {
    assert.ok(this.#now().includes(id), `${id} is not allowed`);
    if (this.#ending.length > 0) this.#ending.shift();
    else this.#at++;
  }

  forced(): readonly number[] {
    if (!this.#tellsForced) return [];
    if (this.#ending.length > 0) return [...this.#ending];
    const run: number[] = [];
    for (let at = this.#at; run.length < 3; at++) {
      const place = this.#pattern[at % this.#pattern.length]!;
      if (typeof place !== 'number') break;
      run.push(place); // three at a time: the engine asks again
    }
    return run;
  }

  hurry(): void {
    this.#ending = [40, 41, 42];
  }
}

const choice = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];
const pattern = [1, 2, choice, choice, 3, 4, 5, 6, 7, choice];

/** The same request with and without knowing what is forced. */
async function both(
  params: GenerateParams,
  prompt = promptOf(9),
  given: readonly (number | readonly number[])[] = pattern,
): Promise<[told: Outcome, steps: number, untold: Outcome, steps: number]> {
  const results: [Outcome, number][] = [];
  for (const tellsForced of [true, false]) {
    const { runner, engine } = open({ blockSize: 4 });
    const outcome = await collect(engine.submit(prompt, params, { constraint: new Pattern(given, tellsForced) }));
    results.push([outcome, runner.steps.length]);
    await engine.close();
    assert.equal(runner.blocksInUse(), 0);
  }
  return [...results[0]!, ...results[1]!] as [Outcome, number, Outcome, number];
}

test('forced tokens come without a step of their own, and everything else is as when each was sampled', async () => {
  for (const temperature of [0, 1]) {
    const params = { maxTokens: 33, temperature, seed: 5, stopIds: [], topLogprobs: 3, repetitionPenalty: 1.3 };
    const [told, few, untold, many] = await both(params);
    const plain = told.tokens.map(({ forced: _, ...token }) => token);
    assert.deepEqual(plain, untold.tokens);
    assert.deepEqual({ ...told.end, timing: 0 }, { ...untold.end, timing: 0 });
    assert.deepEqual(
      told.tokens.map(({ forced }) => forced ?? false),
      told.tokens.map((_, i) => typeof pattern[i % 10] === 'number'),
    );
    assert.deepEqual([few, many], [10, 33]); // ten tokens were sampled, and the last three forced ones end it
  }
});

test('what is forced at once joins the prompt, and is reported before it is computed', async () => {
  const { runner, engine } = open();
  const request = engine.submit(promptOf(9), { maxTokens: 4 }, { constraint: new Pattern(pattern, true) });
  const { tokens } = await collect(request);
  assert.deepEqual(
    tokens.slice(0, 2).map(({ id, forced }) => [id, forced]),
    [
      [1, true],
      [2, true],
    ],
  );
  assert.deepEqual(runner.steps[0], [[...promptOf(9), 1, 2]]);
  const { end } = await collect(engine.submit([...promptOf(9), 52], { maxTokens: 1 }));
  assert.equal(end.cachedTokens, 9); // its end was kept, though the first step went beyond it
  await engine.close();
});

test('a limit or a stop id within a forced run ends it there', async () => {
  for (const [params, reason] of [
    [{ maxTokens: 7, stopIds: [] }, 'length'],
    [{ maxTokens: 30, stopIds: [5] }, 'stop'],
  ] as const) {
    const [told, , untold] = await both({ ...params, seed: 3, temperature: 1 });
    assert.deepEqual(told.ids, untold.ids);
    assert.deepEqual([told.end.reason, told.end.outputTokens, told.ids.at(-1)], [reason, 7, 5]);
  }
});

test('a turn that is forced to its end computes nothing', async () => {
  const [{ ids, end }, steps] = await both({ maxTokens: 4 }, promptOf(9), [1, 2, 3, 4]);
  assert.deepEqual([ids, end.reason, steps], [[1, 2, 3, 4], 'length', 0]);
});

test('forced tokens of one sequence share a step with the next tokens of the others', async () => {
  const { runner, engine } = open({}, { prefill: { alone: 9, besideDecode: 9 } });
  const other = collect(engine.submit(promptOf(5, 2), { maxTokens: 20, temperature: 0, stopIds: [] }));
  await steps(runner, 2);
  const told = collect(
    engine.submit(promptOf(9), { maxTokens: 12, stopIds: [] }, { constraint: new Pattern([1, choice, 2, 3, 4], true) }),
  );
  await steps(runner, 5);
  const long = collect(engine.submit(promptOf(60, 8), { maxTokens: 1 }));
  await Promise.all([told, long]);
  assert.deepEqual((await other).ids, alone(promptOf(5, 2), { maxTokens: 20, temperature: 0, stopIds: [] }));
  const shapes = runner.steps.map((step) => step.map(({ length }) => length));
  assert.ok(
    shapes.some(([a, b, c]) => a === 1 && b === 5 && c === 4),
    JSON.stringify(shapes),
  );
  await engine.close();
});

test('whoever is cancelled while forced tokens wait to be computed leaves nothing behind', async () => {
  const { runner, engine } = open({ blockSize: 4 });
  const abort = new AbortController();
  const ids: number[] = [];
  const options = { signal: abort.signal, constraint: new Pattern(pattern, true) };
  for await (const event of engine.submit(promptOf(9), { stopIds: [] }, options)) {
    if (event.type === 'token') ids.push(event.id);
    if (ids.length === 6) abort.abort(); // 3 and 4 are forced, and so are 5, 6 and 7 after them
  }
  const next = await collect(engine.submit([...promptOf(9), ...ids.slice(0, 3), 52], { maxTokens: 2, temperature: 0 }));
  assert.deepEqual(next.ids, alone([...promptOf(9), ...ids.slice(0, 3), 52], { maxTokens: 2, temperature: 0 }));
  assert.equal(runner.blocksInUse(), engine.load.kept);
  await engine.close();
  assert.equal(runner.blocksInUse(), 0);
});

test('hurry reaches the constraint before the next token, once, wherever the request is', async () => {
  const { runner, engine } = open({}, { maxRunning: 1 });
  const hurry = new AbortController();
  const params = { maxTokens: 30, stopIds: [42] };
  const running = collect(
    engine.submit(promptOf(9), params, { hurry: hurry.signal, constraint: new Pattern([choice], true) }),
  );
  const untold = collect(
    engine.submit(promptOf(8), params, { hurry: hurry.signal, constraint: new Pattern([choice], false) }),
  );
  await steps(runner, 4);
  hurry.abort();
  const { ids, end } = await running;
  assert.deepEqual(ids.slice(-3), [40, 41, 42]);
  assert.ok(ids.length <= 4 + 3, `${ids.length} tokens`);
  assert.equal(end.reason, 'stop');
  assert.deepEqual((await untold).ids, [40, 41, 42]); // it was waiting
  const free = await collect(engine.submit([5], { maxTokens: 3, stopIds: [] }, { hurry: AbortSignal.abort() }));
  assert.equal(free.ids.length, 3);
  await engine.close();
});

test('a constraint that throws fails its own request, at the start and later', async () => {
  for (const throwing of ['forced', 'hurry'] as const) {
    const { runner, engine } = open();
    const constraint = new Pattern(pattern, true);
    constraint[throwing] = () => assert.fail('broken');
    const other = collect(engine.submit([3], { maxTokens: 9, stopIds: [] }));
    await assert.rejects(collect(engine.submit(promptOf(9), {}, { constraint, hurry: AbortSignal.abort() })), /broken/);
    assert.equal((await other).ids.length, 9);
    await engine.close();
    assert.equal(runner.blocksInUse(), 0);
  }
});

test('whatever the pattern, the company and the room: the same tokens, with and without knowing what is forced', async () => {
  const place = fc.oneof(fc.nat(52), fc.constant(choice));
  const request = fc.record({
    pattern: fc.array(place, { minLength: 1, maxLength: 12 }),
    prompt: fc.array(fc.nat(52), { minLength: 1, maxLength: 20 }),
    maxTokens: fc.integer({ min: 1, max: 25 }),
    seed: fc.nat(99),
    stopIds: fc.constantFrom([], [11, 30]),
  });
  const machine = fc.record({
    blockSize: fc.integer({ min: 2, max: 6 }),
    spare: fc.integer({ min: 0, max: 9 }),
    maxRunning: fc.integer({ min: 1, max: 4 }),
    besideDecode: fc.integer({ min: 1, max: 9 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 5 }), machine, async (requests, shape) => {
      const capacity = Math.ceil(46 / shape.blockSize) + shape.spare;
      const run = async (tellsForced: boolean) => {
        const prefill = { alone: 30, besideDecode: shape.besideDecode };
        const { runner, engine } = open({ ...shape, capacity, contextLength: 100 }, { ...shape, prefill });
        const outcomes = requests.map(({ pattern, prompt, ...params }) =>
          collect(
            engine.submit(prompt, { temperature: 1, ...params }, { constraint: new Pattern(pattern, tellsForced) }),
          ),
        );
        const tokens = (await Promise.all(outcomes)).map(({ tokens }) =>
          tokens.map(({ forced: _, ...token }) => token),
        );
        await engine.close();
        assert.equal(runner.blocksInUse(), 0);
        return tokens;
      };
      assert.deepEqual(await run(true), await run(false));
    }),
    { numRuns: 100 },
  );
});
