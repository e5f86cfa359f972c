import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allowToken, type Constraint } from './constraint.ts';
import { maxWindowBlocks } from './limits.ts';
import { alone, collect, type FakeRunner, open, promptOf } from './testing.ts';

/** Now and then forces two ids; otherwise all may come. */
class Now implements Constraint {
  #count = 0;

  allow(mask: Uint32Array): void {
    for (let id = 0; id < 53; id++) allowToken(mask, id);
  }

  advance(): void {
    this.#count++;
  }

  forced(): readonly number[] {
    return this.#count % 5 === 2 ? [8, 9] : [];
  }

  hurry(): void {
    this.#count = 2;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** What is left when nobody asks for anything: only what is kept. */
async function assertIdle(runner: FakeRunner, engine: ReturnType<typeof open>['engine']): Promise<void> {
  const isIdle = () => engine.load.running + engine.load.waiting === 0 && runner.blocksInUse() === engine.load.kept;
  for (let i = 0; i < 1000 && !isIdle(); i++) await turn();
  assert.ok(isIdle(), `${runner.blocksInUse()} blocks in use, ${engine.load.kept} kept`);
  assert.ok(runner.windows.size <= runner.blocksInUse());
}

test('whoever comes, hurries and leaves, whenever: every request ends once, and only what is kept stays', async () => {
  const request = fc.record({
    prompt: fc.tuple(fc.nat(30), fc.array(fc.nat(3), { minLength: 1, maxLength: 12 })),
    maxTokens: fc.integer({ min: 1, max: 20 }),
    client: fc.constantFrom(undefined, 'a', 'b', 'c'),
    constrained: fc.boolean(),
    wait: fc.nat(3), // turns before it comes
    cancel: fc.option(fc.nat(25)), // turns until it leaves
    hurry: fc.option(fc.nat(15)),
    reader: fc.constantFrom('reads', 'leaves'),
  });
  const machine = fc.record({
    blockSize: fc.integer({ min: 2, max: 6 }),
    window: fc.integer({ min: 1, max: 12 }),
    spare: fc.nat(9),
    maxRunning: fc.integer({ min: 1, max: 4 }),
    maxWaiting: fc.constantFrom(3, 50),
    maxKept: fc.constantFrom(0, 5, 999),
    alone: fc.integer({ min: 1, max: 20 }),
    besideDecode: fc.integer({ min: 1, max: 5 }),
    failing: fc.option(fc.nat(20)), // the step that fails
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), machine, async (requests, shape) => {
      let [step, failing] = [0, shape.failing];
      const beforeStep = async () => {
        if (step++ === failing) throw new Error('power cut');
        if (step % 3 === 0) await turn();
      };
      const capacity = Math.ceil(63 / shape.blockSize) + shape.spare;
      const { runner, engine } = open(
        { ...shape, capacity, contextLength: 63, beforeStep },
        { ...shape, prefill: shape },
      );
      const ended = requests.map(async ({ prompt: [shared, own], client, maxTokens, constrained, wait, ...later }) => {
        await turns(wait);
        const cancel = new AbortController();
        const hurry = new AbortController();
        const options = { signal: cancel.signal, hurry: hurry.signal, ...(client && { client }) };
        const stream = engine.submit(
          [...promptOf(shared), ...own],
          { maxTokens, seed: 1 },
          constrained ? { ...options, constraint: new Now() } : options,
        );
        const leave = later.cancel === null ? undefined : turns(later.cancel).then(() => cancel.abort());
        const hasten = later.hurry === null ? undefined : turns(later.hurry).then(() => hurry.abort());
        try {
          for await (const event of stream) if (later.reader === 'leaves' && event.type === 'token') break;
        } catch (error) {
          assert.match(String(error), /power cut|waiting/);
        }
        await Promise.all([leave, hasten]); // also after the end
      });
      await Promise.all(ended);
      await assertIdle(runner, engine);
      const { requests: outcomes, prefixCache } = engine.stats();
      assert.ok(Object.values(outcomes).reduce((a, b) => a + b) <= requests.length);
      assert.equal(prefixCache.blocks, runner.blocksInUse());
      failing = null;
      const params = { maxTokens: 3, temperature: 0 };
      assert.deepEqual((await collect(engine.submit(promptOf(20), params))).ids, alone(promptOf(20), params));
      await engine.close();
      assert.deepEqual([runner.blocksInUse(), runner.windows.size], [0, 0]);
    }),
    { numRuns: 150 },
  );
});

test('thousands of requests that are cancelled leave nothing behind', async () => {
  const { runner, engine } = open({ capacity: 60, contextLength: 200 }, { maxWaiting: 5000 });
  const all = Array.from({ length: 3000 }, async (_, i) => {
    const abort = new AbortController();
    const stream = collect(
      engine.submit(promptOf(1 + (i % 90), i % 7), {}, { signal: abort.signal, client: String(i % 40) }),
    );
    await turns(i % 50);
    abort.abort();
    return (await stream).end.reason;
  });
  assert.ok((await Promise.all(all)).every((reason) => reason === 'cancelled'));
  await assertIdle(runner, engine);
  assert.equal(engine.stats().requests.cancelled, 3000);
  await engine.close();
  assert.deepEqual([runner.blocksInUse(), runner.windows.size], [0, 0]);
});

test('layers with a window never need more room than is set aside for them', async () => {
  const shape = { blockSize: 2, window: 21, capacity: 900 };
  const scheduling = { maxRunning: 6, prefill: { alone: 16, besideDecode: 8 }, speculate: 8 };
  const windowCapacity = maxWindowBlocks(shape, scheduling);
  assert.equal(windowCapacity, 225 + 6 * 12 + 2 * 23);
  const { runner, engine } = open({ ...shape, windowCapacity, contextLength: 600 }, scheduling);
  let most = 0;
  const step = runner.step.bind(runner);
  runner.step = async (entries) => {
    const rows = await step(entries); // complains when there are too many
    most = Math.max(most, runner.windows.size);
    return rows;
  };
  const requests = Array.from({ length: 60 }, (_, i) =>
    collect(engine.submit(promptOf(20 + ((i * 67) % 300), i), { maxTokens: 1 + (i % 30), stopIds: [] })),
  );
  await Promise.all(requests);
  await assertIdle(runner, engine);
  assert.equal(runner.windows.size, 225); // a quarter of the blocks: as many as may be kept
  assert.ok(most > 225 && most <= windowCapacity);
  await engine.close();
});
