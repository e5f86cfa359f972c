import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { o200kHarmony } from '../../tokenizer/index.ts';
import { endsInLoop, LoopDetector } from './loop-detector.ts';

/** How many ids it takes until the detector strikes; 0: it does not. */
function strikesAt(ids: readonly number[]): number {
  const detector = new LoopDetector();
  return ids.findIndex((id) => detector.push(id)) + 1;
}

const round = (period: number, offset = 0) => Array.from({ length: period }, (_, i) => offset + i);
const repeated = (ids: readonly number[], times: number) => Array.from({ length: times }, () => ids).flat();

test('a text that goes in circles is noticed at any period, soon after it has repeated enough', () => {
  for (let period = 1; period <= 512; period++) {
    const needed = period + Math.max(256, 3 * period);
    const at = strikesAt(
      [...round(700, 5000), ...repeated(round(period), Math.ceil(needed / period) + 16)].slice(0, 700 + needed + 16),
    );
    assert.ok(at >= 700 + needed && at < 700 + needed + 16, `period ${period}: ${at}`);
  }
  assert.equal(strikesAt(repeated(round(513), 12)), 0);
});

test('a round that repeats within itself is noticed too', () => {
  const words = [...repeated([1, 2], 20), 3, ...repeated([1, 2], 19), 4];
  assert.ok(strikesAt(repeated(words, 12)) > 0);
  assert.ok(strikesAt(repeated([7, 7, 7, 7, 8], 80)) > 0);
});

test('one token that differs in each round is enough to be no loop', () => {
  const lines = (line: (i: number) => string) =>
    o200kHarmony().encode(Array.from({ length: 300 }, (_, i) => line(i)).join(''));
  const similar = {
    counting: lines((i) => `${i}, `),
    steps: lines((i) => `Step ${i}: add one to the sum and check that it is still even.\n`),
    table: lines((i) => `| ${i % 7} | ${(i * 31) % 11} | ok | ok | ok | ok |\n`),
    code: lines((i) => `    if (x == ${i}) return true;\n`),
  };
  for (const [what, ids] of Object.entries(similar)) assert.equal(strikesAt(ids), 0, what);
});

test('a short repetition is no loop: a rule of dashes, a row of zeros, a verse that comes three times', () => {
  assert.equal(strikesAt([...round(100), ...repeated([1], 256), ...round(100)]), 0);
  assert.equal(strikesAt([...round(100), ...repeated(round(80, 1000), 3), ...round(100)]), 0);
  assert.equal(strikesAt([...round(100), ...repeated(round(300, 1000), 3), ...round(100)]), 0);
});

test('prose of the repository has no loop', () => {
  for (const file of ['ARCHITECTURE.md', 'docs/reference/harmony.md', 'src/harmony/builtins.ts']) {
    const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
    assert.equal(strikesAt(o200kHarmony().encode(text)), 0, file);
  }
});

test('whoever reads the ids again finds the loop at the same one', () => {
  const ids = repeated(round(10), 60);
  const at = strikesAt(ids);
  assert.ok(endsInLoop(ids.slice(0, at)));
  assert.ok(!endsInLoop(ids.slice(0, at - 1)));
  assert.ok(!endsInLoop(ids.slice(0, at + 16)));
  assert.ok(!endsInLoop([]));
});
