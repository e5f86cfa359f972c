import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PrefixTree } from './prefix-tree.ts';
import type { RunnerSequence } from './runner.ts';
import { FakeRunner, type FakeRunnerOptions, promptOf } from './testing.ts';

function plant(options: FakeRunnerOptions = {}, limits: { blocks?: number; windows?: number } = {}) {
  const runner = new FakeRunner({ blockSize: 4, window: 8, contextLength: 1000, ...options });
  const tree = new PrefixTree(runner, { blocks: limits.blocks ?? 999, windows: limits.windows ?? 999 });
  /** Computes ids as the scheduler would, in steps of so many, and keeps them. */
  const compute = async (ids: readonly number[], step = 3, points: readonly number[] = [ids.length]) => {
    const match = tree.find(ids);
    const sequence = runner.open(match.blocks, match.length);
    while (sequence.length < ids.length) {
      const before = sequence.length;
      await runner.step([{ sequence, ids: ids.slice(before, before + step), logits: 0 }]);
      const passed = points.filter((point) => before < point && point <= sequence.length);
      if (passed.length > 0 || tree.hasCheckpoint(before, sequence.length)) tree.add(ids, sequence, passed);
    }
    return sequence;
  };
  const keep = async (ids: readonly number[], ...rest: [step?: number, points?: readonly number[]]) =>
    (await compute(ids, ...rest)).release();
  return { runner, tree, compute, keep };
}

/** What can be found of ids, by length. */
const found = (tree: PrefixTree, ids: readonly number[]) => tree.find(ids).length;

test('a text goes on where a kept one ended, or wherever it parts from it near its end', async () => {
  const { tree, keep } = plant();
  const ids = promptOf(30);
  await keep(ids);
  assert.equal(found(tree, [...ids, 1, 2]), 30);
  assert.equal(found(tree, ids), 29); // one is left to compute
  assert.equal(found(tree, [...ids.slice(0, 29), 52, 52]), 29);
  assert.equal(found(tree, [52, ...ids]), 0);
  assert.equal(tree.size, 8);
});

test('where windows are gone a text goes on from further back, and the place where it parts is reported', async () => {
  const { tree, keep } = plant();
  const ids = promptOf(30);
  await keep(ids);
  const other = [...ids.slice(0, 18), 50, 51, 52, 50, 51, 52];
  assert.deepEqual([tree.find(other).length, tree.find(other).known], [0, 18]);
  await keep(other, 3, [18, other.length]);
  const third = [...ids.slice(0, 18), 49, 49, 49];
  assert.deepEqual([tree.find(third).length, tree.find(third).known], [18, 18]);
  assert.equal(found(tree, [...ids, 1]), 30);
  assert.equal(found(tree, [...other, 1]), other.length);
});

test('a tip grows with the turn that goes on, and stays a place to go on from', async () => {
  const { runner, tree, compute } = plant();
  const prompt = promptOf(10);
  const [turn, other] = [
    [...prompt, ...promptOf(30, 2)],
    [...prompt, ...promptOf(9, 5)],
  ];
  const sequence = await compute(turn, 1, [10, turn.length]);
  assert.equal(tree.size, 10); // 40 ids: the prompt's begun block is the turn's third
  sequence.release();
  assert.equal(runner.blocksInUse(), 10);
  assert.equal(found(tree, other), 10);
  (await compute(other)).release();
  assert.deepEqual([found(tree, [...turn, 1]), found(tree, [...other, 1])], [40, 19]);
  assert.equal(runner.blocksInUse(), tree.size);
});

test('a tip with the only window stays beside a turn that went on from it long ago', async () => {
  const { tree, keep } = plant();
  const prompt = promptOf(10);
  const turn = [...prompt, ...promptOf(30, 2)];
  await keep(prompt);
  await keep(turn); // whose third block has lost its window when it is kept
  assert.equal(found(tree, [...prompt, 52]), 10);
  assert.equal(found(tree, [...turn, 52]), 40);
});

test('a begun block that is kept again with more in it stands in the tree once', async () => {
  const { runner, tree, keep, compute } = plant();
  const text = promptOf(60);
  await keep(text); // its third block is known, without its window
  const sequence = await compute(text.slice(0, 10));
  await runner.step([{ sequence, ids: text.slice(10, 11), logits: 0 }]);
  tree.add(text, sequence, [11]);
  sequence.release();
  assert.equal(tree.size, runner.blocksInUse());
  assert.equal(found(tree, text.slice(0, 12)), 11);
  while (tree.evict());
  assert.equal(tree.size, 0);
});

test('a copy of a begun block goes its own way', async () => {
  const { runner, tree, compute } = plant();
  const prompt = promptOf(10);
  const first = await compute(prompt);
  const second = await compute([...prompt, 1]);
  const third = await compute([...prompt, 2]);
  const step = async (sequence: RunnerSequence, id: number) =>
    (await runner.step([{ sequence, ids: [id], logits: 1 }]))[0];
  const rows = [await step(first, 7), await step(second, 7), await step(third, 7)];
  const apart = new FakeRunner();
  for (const [i, own] of [[7], [1, 7], [2, 7]].entries()) {
    const [row] = await apart.step([{ sequence: apart.open(), ids: [...prompt, ...own], logits: 1 }]);
    assert.deepEqual(rows[i], row);
  }
  for (const sequence of [first, second, third]) sequence.release();
  tree.clear();
  assert.deepEqual([runner.blocksInUse(), runner.windows.size], [0, 0]);
});

test('a long text whose end was let go can still be used from a checkpoint on', async () => {
  const { tree, keep } = plant();
  const ids = promptOf(300); // 75 blocks, checkpoints every 64 positions
  await keep(ids, 10);
  for (let i = 0; i < 3; i++) assert.ok(tree.evict());
  assert.equal(found(tree, ids), 256);
  assert.equal(found(tree, [...ids.slice(0, 130), 52, 52]), 128);
});

test('the least recently used goes first, from its end, and nothing that a sequence uses', async () => {
  const { runner, tree, keep, compute } = plant();
  const [a, b, c] = [promptOf(16, 1), promptOf(16, 2), promptOf(16, 3)];
  for (const ids of [a, b]) await keep(ids);
  const using = await compute(c);
  tree.find(a);
  assert.equal(tree.countFree(), 8);
  for (let i = 0; i < 4; i++) assert.ok(tree.evict());
  assert.deepEqual([found(tree, [...b, 1]), found(tree, [...a, 1])], [0, 16]);
  assert.ok(tree.evict());
  assert.equal(tree.find([...a, 1]).known, 12);
  assert.equal(tree.countFree(tree.find([...a, 1]).blocks), 3); // without windows there is nothing to spare
  for (let i = 0; i < 3; i++) assert.ok(tree.evict());
  assert.equal(tree.evict(), false);
  assert.deepEqual([tree.size, tree.evictions, runner.blocksInUse()], [4, 8, 4]);
  using.release();
  assert.equal(tree.evict(tree.find([...c, 1]).blocks), false);
  assert.ok(tree.evict());
});

test('no more blocks and no more windows are kept than asked for', async () => {
  const { runner, tree, keep } = plant({}, { blocks: 11, windows: 5 });
  for (const start of [1, 2, 3, 4, 5]) {
    await keep(promptOf(21, start));
    assert.ok(tree.size <= 11 && runner.windows.size <= 5, `${tree.size} blocks, ${runner.windows.size} windows`);
  }
  assert.equal(found(tree, [...promptOf(21, 5), 1]), 21);
  assert.equal(runner.windows.size, 5);
});

test('windows that are used stay before those that are not', async () => {
  const { tree, keep } = plant({}, { windows: 9 });
  const [used, unused] = [promptOf(21, 6), promptOf(21, 7)];
  await keep(used);
  await keep(unused);
  for (const start of [1, 2, 3, 4, 5]) {
    assert.equal(found(tree, [...used, 1]), 21);
    await keep(promptOf(21, start));
  }
  assert.equal(found(tree, [...unused, 1]), 0);
});

test('whatever is kept, found and let go: what is found can be gone on from, and nothing is lost that was not let go', async () => {
  const text = fc.array(fc.nat(2), { minLength: 1, maxLength: 40 });
  const action = fc.record({
    kind: fc.constantFrom('keep', 'keep', 'again', 'evict'),
    text,
    step: fc.integer({ min: 1, max: 9 }),
    point: fc.nat(40),
  });
  const shape = fc.record({ blockSize: fc.integer({ min: 1, max: 6 }), window: fc.integer({ min: 1, max: 13 }) });
  await fc.assert(
    fc.asyncProperty(shape, fc.array(action, { maxLength: 14 }), async (options, actions) => {
      const { runner, tree, keep } = plant(options);
      let kept: (readonly number[])[] = [];
      for (const { kind, text, step, point } of actions) {
        const before = kept[point % Math.max(1, kept.length)] ?? [];
        const ids = kind === 'again' ? [...before, ...text.slice(0, 9)] : text;
        if (kind === 'evict') {
          while (tree.size > 5) tree.evict();
          kept = []; // some of them, at least
        } else {
          await keep(ids, step, [point, ids.length]);
          kept.push(ids);
          assert.equal(found(tree, [...ids, 9]), ids.length);
        }
        const { length, blocks, known } = tree.find([...text, 9]);
        const common = kept.map((other) => commonLength(other, text));
        assert.ok(known >= Math.max(0, ...common) && known >= length && known <= text.length);
        const sequence = runner.open(blocks, length); // which complains when it cannot
        const [row] = await runner.step([{ sequence, ids: [...text, 9].slice(length), logits: 1 }]);
        const apart = new FakeRunner();
        const [expected] = await apart.step([{ sequence: apart.open(), ids: [...text, 9], logits: 1 }]);
        assert.deepEqual(row, expected);
        sequence.release();
        assert.equal(runner.blocksInUse(), tree.size);
      }
      tree.clear();
      assert.deepEqual([runner.blocksInUse(), runner.windows.size], [0, 0]);
    }),
    { numRuns: 200 },
  );
});

function commonLength(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((id, i) => id !== b[i]);
  return at < 0 ? a.length : at;
}
