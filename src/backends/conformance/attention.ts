/** Cases of writeKv and attend, and of the pool between them. */
import assert from 'node:assert/strict';
import type { KvBits, KvShape, KvView } from '../backend.ts';
import { assertClose, assertRefused, type Expected, type Lab, ULP } from './lab.ts';
import type { Case } from './rows.ts';
import { randomRows } from './weights.ts';

interface Shape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly blockSize: number;
  readonly bits?: KvBits;
}

const grouped: Shape = { heads: 6, kvHeads: 2, headDim: 64, blockSize: 64 };
const narrow: Shape = { heads: 3, kvHeads: 3, headDim: 16, blockSize: 64 };
const wide: Shape = { heads: 8, kvHeads: 1, headDim: 48, blockSize: 64 };

/** The same with 8-bit keys and values. */
const at8Bits = (shape: Shape): Shape => ({ ...shape, bits: 8 });

/** A conversation of the test: its keys and values, and the table of its blocks. */
interface Story {
  readonly length: number;
  readonly table: readonly number[];
  readonly k: Float32Array;
  readonly v: Float32Array;
}

function story(seed: number, length: number, table: readonly number[], { kvHeads, headDim }: Shape): Story {
  const width = kvHeads * headDim;
  return { length, table, k: randomRows(seed, length, width, 2), v: randomRows(seed + 1, length, width) };
}

/** Tokens [start, end) of each story, one story after the other. */
function viewOf(parts: readonly (readonly [story: Story, start: number, end: number])[]): KvView {
  const tableWidth = Math.max(...parts.map(([{ table }]) => table.length));
  const rows = parts.map(([{ table }]) => [...table, ...Array<number>(tableWidth - table.length).fill(-1)]);
  return {
    positions: Int32Array.from(
      parts.flatMap(([, start, end]) => Array.from({ length: end - start }, (_, i) => start + i)),
    ),
    sequences: Int32Array.from(parts.flatMap(([, start, end], row) => Array<number>(end - start).fill(row))),
    tables: Int32Array.from(rows.flat()),
    tableWidth,
  };
}

/** What 8 bits keep of rows of `headDim` values (see `KvBits`): known before, so that it needs no tolerance. */
function keptAt8Bits(x: Float32Array, headDim: number): Float64Array {
  const kept = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += headDim) {
    for (let d = 0; d < headDim; d += 32) {
      const group = x.subarray(row + d, row + Math.min(headDim, d + 32));
      const scale = bf16Above(Math.fround(Math.max(...group.map(Math.abs)) / 127));
      group.forEach((value, i) => {
        kept[row + d + i] = nearestEven(Math.fround(value / scale)) * scale;
      });
    }
  }
  return kept;
}

/** The smallest number of 8 significant bits that is not below x > 0. */
function bf16Above(x: number): number {
  const unit = 2 ** (Math.floor(Math.log2(x)) - 7);
  return Math.ceil(x / unit) * unit;
}

function nearestEven(x: number): number {
  const below = Math.floor(x);
  const above = x - below;
  return above > 0.5 || (above === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/** The formula of the Step interface, in f64, with the bound that the formats allow. */
function attendTo(
  lab: Lab,
  shape: Shape,
  q: Float32Array,
  view: KvView,
  stories: readonly Story[],
  sinks: Float32Array,
  window: number,
): Expected {
  const { heads, kvHeads, headDim } = shape;
  const values = new Float64Array(q.length);
  const allowed = new Float64Array(q.length);
  const kvError = shape.bits === 8 ? 0 : lab.tolerances.kvRounding;
  const kept = (x: Float32Array) => (shape.bits === 8 ? keptAt8Bits(x, headDim) : x);
  const memories = stories.map(({ k, v }) => ({ k: kept(k), v: kept(v) }));
  view.positions.forEach((position, token) => {
    const { k, v } = memories[view.sequences[token]!]!;
    for (let head = 0; head < heads; head++) {
      const at = (token * heads + head) * headDim;
      const kvHead = Math.floor((head * kvHeads) / heads);
      const first = window > 0 ? Math.max(0, position - window + 1) : 0;
      const keys = Array.from({ length: position + 1 - first }, (_, i) => ((first + i) * kvHeads + kvHead) * headDim);
      let largest = 0; // of Σ |q · k|, for the error of a score
      const scores = keys.map((key) => {
        let [sum, magnitude] = [0, 0];
        for (let d = 0; d < headDim; d++) {
          sum += q[at + d]! * k[key + d]!;
          magnitude += Math.abs(q[at + d]! * k[key + d]!);
        }
        largest = Math.max(largest, magnitude / Math.sqrt(headDim));
        return sum / Math.sqrt(headDim);
      });
      const max = Math.max(...scores, sinks[head]!);
      const total = scores.reduce((sum, score) => sum + Math.exp(score - max), Math.exp(sinks[head]! - max));
      const f32 = lab.tolerances.sums === 'f32';
      const scoreError = kvError * largest + (f32 ? (headDim + 4) * ULP * largest : 0);
      // Numerator and denominator each feel the scores' error; then exp, the sum over keys and the rescaling of a running sum.
      const relative = 2 * scoreError + kvError + (f32 ? (2 * keys.length + 32) * ULP : 2 * ULP);
      keys.forEach((key, j) => {
        const p = Math.exp(scores[j]! - max) / total;
        for (let d = 0; d < headDim; d++) {
          values[at + d]! += p * v[key + d]!;
          allowed[at + d]! += 1.01 * relative * p * Math.abs(v[key + d]!) + p * kvError * 2 ** -14;
        }
      });
      for (let d = 0; d < headDim; d++) allowed[at + d]! += 1e-37;
    }
  });
  return { values, allowed };
}

/** Writes each story up to its end, then lets its last tokens ask. */
async function converse(
  lab: Lab,
  shape: Shape,
  stories: readonly Story[],
  asking: readonly number[],
  window: number,
  spread: { readonly queries?: number; readonly sinks?: number } = {},
): Promise<void> {
  const { heads, kvHeads, headDim } = shape;
  const width = kvHeads * headDim;
  const kvShape: KvShape = { ...shape, layers: 3 };
  const pool = lab.backend.allocateKv(kvShape);
  pool.grow(2);
  const written = stories.map(({ length }, i) => length - asking[i]!);
  // What was there before: written in a step of its own, then the pool grows around it. Holes are never written.
  const before = lab.backend.begin();
  const kept = stories
    .map((story, i) => [story, firstKept(story, shape.blockSize), written[i]!] as const)
    .filter(([, a, b]) => b > a);
  pool.grow(Math.max(...stories.flatMap(({ table }) => table)) + 1);
  if (kept.length > 0) {
    const k = lab.activations(before, joined(kept, width, 'k'), width);
    before.writeKv(pool, 1, k, lab.activations(before, joined(kept, width, 'v'), width), viewOf(kept));
    // The other layers get something else, which nobody may see.
    for (const layer of [0, 2]) before.writeKv(pool, layer, k, k, viewOf(kept));
    await before.read([]);
  }
  pool.grow(pool.numBlocks + 5);

  const step = lab.backend.begin();
  const now = stories.map((story, i) => [story, written[i]!, story.length] as const);
  const view = viewOf(now);
  const k = lab.activations(step, joined(now, width, 'k'), width);
  step.writeKv(pool, 1, k, lab.activations(step, joined(now, width, 'v'), width), view);
  const q = randomRows(41, view.positions.length, heads * headDim, spread.queries ?? 2);
  const sinks = randomRows(42, 1, heads, spread.sinks ?? 2);
  const queries = lab.activations(step, q, heads * headDim);
  const [found] = await step.read([step.attend(queries, pool, 1, lab.vector(sinks), view, window)]);
  assertClose(`window ${window}`, found, attendTo(lab, shape, q, view, stories, sinks, window));
  pool.dispose();
}

function firstKept({ table }: Story, blockSize: number): number {
  const first = table.findIndex((id) => id >= 0);
  return Math.max(0, first) * blockSize;
}

function joined(parts: readonly (readonly [Story, number, number])[], width: number, what: 'k' | 'v'): Float32Array {
  return Float32Array.from(
    parts.flatMap(([story, start, end]) => [...story[what].subarray(start * width, end * width)]),
  );
}

function inBits({ bits }: Shape): string {
  return bits === undefined ? '' : ` (${bits} bits)`;
}

export const attentionCases: readonly Case[] = [
  [
    'attend sees its own key first of all, and the sink takes the rest',
    async (lab) => {
      // One key: its weight is sigmoid(score − sink). Score 4 · 3 · 1 / √16 = 3, sink 1, value 5.
      const pool = lab.backend.allocateKv({ layers: 1, kvHeads: 1, headDim: 16, blockSize: 64 });
      pool.grow(1);
      const step = lab.backend.begin();
      const row = (...values: number[]) =>
        lab.activations(
          step,
          Float32Array.from({ length: 16 }, (_, i) => values[i] ?? 0),
          16,
        );
      const view = {
        positions: Int32Array.of(0),
        sequences: Int32Array.of(0),
        tables: Int32Array.of(0),
        tableWidth: 1,
      };
      step.writeKv(pool, 0, row(4), row(0, 5), view);
      const [found] = await step.read([step.attend(row(3), pool, 0, lab.vector([1]), view, 0)]);
      const values = Float64Array.from({ length: 16 }, (_, i) => (i === 1 ? 5 / (1 + Math.exp(1 - 3)) : 0));
      assertClose('mix', found, { values, allowed: values.map((value) => lab.chain(12, value)) });
    },
  ],
  ...[grouped, narrow, wide, ...[grouped, narrow, wide].map(at8Bits)].map(
    (shape): Case => [
      `attend shares ${shape.kvHeads} kv heads of ${shape.headDim} among ${shape.heads} query heads in groups${inBits(shape)}`,
      async (lab) => {
        const one = story(43, 150, [2, 0, 1], shape);
        await converse(lab, shape, [one], [150], 0);
        await converse(lab, shape, [one], [1], 0);
      },
    ],
  ),
  ...[1, 2, 63, 64, 65, 127, 128, 129].map(
    (window): Case => [
      `attend looks ${window} keys back on a sliding layer, across blocks of 64`,
      (lab) => converse(lab, narrow, [story(45, 200, [3, 1, 0, 2], narrow)], [137], window),
    ],
  ),
  ...[grouped, at8Bits(grouped)].flatMap((shape): Case[] => [
    [
      `attend serves prefill and decode of several sequences in one step, each by its own table${inBits(shape)}`,
      (lab) =>
        converse(
          lab,
          shape,
          [story(47, 131, [5, 0, 3], shape), story(49, 1, [4], shape), story(51, 70, [2, 1], shape)],
          [1, 1, 70],
          0,
        ),
    ],
    [
      `attend does not touch the holes of dropped blocks, nor the rest of a begun one${inBits(shape)}`,
      (lab) =>
        converse(
          lab,
          shape,
          [story(53, 321, [-1, -1, 1, 0, 2, 4], shape), story(55, 259, [-1, -1, 6, 3, 5], shape)],
          [1, 3],
          128,
        ),
    ],
  ]),
  ...[narrow, at8Bits(narrow)].map(
    (narrow): Case => [
      `a copied block holds the same bits in every layer, and is written apart from the first${inBits(narrow)}`,
      async (lab) => {
        const pool = lab.backend.allocateKv({ ...narrow, layers: 2 });
        pool.grow(3);
        const width = narrow.kvHeads * narrow.headDim;
        const one = story(61, 40, [0], narrow);
        const write = async (story: Story, start: number) => {
          const step = lab.backend.begin();
          const parts = [[story, start, story.length]] as const;
          const [k, v] = (['k', 'v'] as const).map((what) => lab.activations(step, joined(parts, width, what), width));
          for (const layer of [0, 1]) step.writeKv(pool, layer, k!, v!, viewOf(parts));
          await step.read([]);
        };
        const ask = async (table: readonly number[], position: number) => {
          const step = lab.backend.begin();
          const view = viewOf([[{ ...one, table }, position, position + 1]]);
          const q = lab.activations(
            step,
            randomRows(63, 1, narrow.heads * narrow.headDim),
            narrow.heads * narrow.headDim,
          );
          const sinks = lab.vector(randomRows(64, 1, narrow.heads));
          const mixes = [0, 1].map((layer) => step.attend(q, pool, layer, sinks, view, 0));
          return (await step.read(mixes)).map((mix) => [...mix]);
        };
        await write(one, 0);
        const expected = await ask([0], 39);
        pool.copy(0, 2);
        assert.deepEqual(await ask([2], 39), expected);
        await write(story(65, 60, [2], narrow), 20);
        assert.deepEqual(await ask([0], 39), expected);
        assert.deepEqual(await ask([2], 19), await ask([0], 19));
        assert.notDeepEqual(await ask([2], 39), expected);
        await assertRefused('backend/bad-operand', /block/, async () => pool.copy(0, 3));
        pool.dispose();
      },
    ],
  ),
  [
    'a NaN or an infinity among 8-bit keys or values shows in whoever looks at it, and nowhere else',
    async (lab) => {
      const pool = lab.backend.allocateKv({ layers: 1, kvHeads: 1, headDim: 64, blockSize: 64, bits: 8 });
      pool.grow(1);
      const step = lab.backend.begin();
      const rows = (changes: Readonly<Record<number, number>>) =>
        lab.activations(
          step,
          Float32Array.from({ length: 192 }, (_, i) => changes[i] ?? 1),
          64,
        );
      const view = {
        positions: Int32Array.of(0, 1, 2),
        sequences: Int32Array.of(0, 0, 0),
        tables: Int32Array.of(0),
        tableWidth: 1,
      };
      // Of the value at position 1, dimensions 0 to 31 are lost; of the key at position 2, its score is.
      step.writeKv(pool, 0, rows({ 130: Number.NaN }), rows({ 65: Number.POSITIVE_INFINITY }), view);
      const [found] = await step.read([step.attend(rows({}), pool, 0, lab.vector([0]), view, 0)]);
      const lost = Array.from(found!, (x) => (Number.isNaN(x) ? 1 : 0));
      assert.deepEqual(lost, [...Array(64).fill(0), ...Array(32).fill(1), ...Array(32).fill(0), ...Array(64).fill(1)]);
      pool.dispose();
    },
  ],
  [
    'sinks far above and far below the scores take everything and nothing',
    (lab) => converse(lab, narrow, [story(57, 90, [0, 1], narrow)], [90], 0, { sinks: 80 }),
  ],
  [
    'scores and sinks far beyond the range of exp stay finite',
    (lab) => converse(lab, narrow, [story(59, 90, [0, 1], narrow)], [90], 0, { queries: 2000, sinks: 2000 }),
  ],
  [
    'attend and writeKv do nothing for no tokens',
    async (lab) => {
      const pool = lab.backend.allocateKv({ layers: 1, kvHeads: 1, headDim: 16, blockSize: 64 });
      pool.grow(1);
      const step = lab.backend.begin();
      const none = lab.activations(step, new Float32Array(), 16);
      const view = {
        positions: new Int32Array(),
        sequences: new Int32Array(),
        tables: Int32Array.of(0),
        tableWidth: 1,
      };
      step.writeKv(pool, 0, none, none, view);
      const [found] = await step.read([step.attend(none, pool, 0, lab.vector([1]), view, 0)]);
      assertClose('nothing', found, { values: new Float64Array(), allowed: new Float64Array() });
    },
  ],
  [
    'attend refuses a position whose block is not kept',
    async (lab) => {
      const pool = lab.backend.allocateKv({ layers: 1, kvHeads: 1, headDim: 16, blockSize: 64 });
      pool.grow(2);
      const view = {
        positions: Int32Array.of(70),
        sequences: Int32Array.of(0),
        tables: Int32Array.of(-1, 1),
        tableWidth: 2,
      };
      await assertRefused('backend/bad-operand', /./, async () => {
        const step = lab.backend.begin();
        const q = lab.activations(step, new Float32Array(16), 16);
        return await step.read([step.attend(q, pool, 0, lab.vector([1]), view, 8)]);
      });
    },
  ],
];
