/** Cases of the ops that work row by row: embed, rmsNorm, linear, rope, rows, add. */
import type { DType } from '../../tensor/index.ts';
import type { Weight } from '../backend.ts';
import { assertClose, assertExact, type Expected, type Lab, ULP } from './lab.ts';
import { type Arrangement, fromValues, type Known, makeWeight, random, randomRows } from './weights.ts';

export type Case = readonly [name: string, run: (lab: Lab) => Promise<void>];

const dense = ['f32', 'f16', 'bf16'] as const;
const arrangements = ['packed', 'every other row', 'every third column'] as const;

const embed: Case[] = [...dense, 'q8_0' as const].map((dtype) => [
  `embed takes rows of a ${dtype} table in the order of the ids, also twice`,
  async (lab) => {
    for (const arrangement of dtype === 'q8_0' ? (['packed', 'every other row'] as const) : arrangements) {
      const table = makeWeight(1, dtype, [7, 96], arrangement);
      const ids = Int32Array.of(6, 0, 3, 6, 1);
      const step = lab.backend.begin();
      const [found] = await step.read([step.embed(lab.upload(table), ids)]);
      const values = Float64Array.from([...ids].flatMap((id) => [...table.values.subarray(id * 96, (id + 1) * 96)]));
      const allowed = values.map((value) => (dtype === 'q8_0' ? ULP * Math.abs(value) : 0)); // code times scale, rounded
      assertClose(arrangement, found, { values, allowed });
    }
  },
]);

const rmsNorm: Case[] = [
  [
    'rmsNorm keeps epsilon inside the root, where it rules small rows, and multiplies by the weight once',
    async (lab) => {
      const [rows, cols, epsilon] = [5, 37, 1e-5];
      const x = randomRows(2, rows, cols);
      for (let c = 0; c < cols; c++) {
        x[cols + c]! *= 1e-3; // of epsilon's size
        x[2 * cols + c]! *= 1e12;
        x[3 * cols + c] = 0;
      }
      for (const dtype of dense) {
        const weight = makeWeight(3, dtype, [cols]);
        const step = lab.backend.begin();
        const [found] = await step.read([step.rmsNorm(lab.activations(step, x, cols), lab.upload(weight), epsilon)]);
        const values = Float64Array.from(x, (value, i) => {
          const row = x.subarray(Math.floor(i / cols) * cols, Math.floor(i / cols) * cols + cols);
          const squares = row.reduce((sum, v) => sum + v * v, 0);
          return (value / Math.sqrt(squares / cols + epsilon)) * weight.values[i % cols]!;
        });
        // The sum of squares has no cancellation; epsilon itself may be held in f32.
        assertClose(dtype, found, { values, allowed: values.map((value) => lab.chain(cols + 6, value) + 1e-12) });
      }
    },
  ],
];

function multiply(
  lab: Lab,
  dtype: DType,
  x: Float32Array,
  cols: number,
  weight: Known,
  bias?: ArrayLike<number>,
): Expected {
  const rows = weight.values.length / cols;
  const tokens = x.length / cols;
  const values = new Float64Array(tokens * rows);
  const allowed = new Float64Array(tokens * rows);
  for (let token = 0; token < tokens; token++) {
    const input = x.subarray(token * cols, (token + 1) * cols);
    for (let row = 0; row < rows; row++) {
      const w = weight.values.subarray(row * cols, (row + 1) * cols);
      const at = token * rows + row;
      values[at] = w.reduce((sum, value, c) => sum + value * input[c]!, bias?.[row] ?? 0);
      allowed[at] = lab.dotError(dtype, input, w, bias?.[row] ?? 0);
    }
  }
  return { values, allowed };
}

const linear: Case[] = [
  ...dense.map(
    (dtype): Case => [
      `linear multiplies with ${dtype} weights of any arrangement, for one and for many rows`,
      (lab) => linearCase(lab, dtype, 45, arrangements),
    ],
  ),
  ...(['q8_0', 'q8'] as const).map(
    (dtype): Case => [
      `linear multiplies with ${dtype} weights, an odd number of blocks a row`,
      (lab) => linearCase(lab, dtype, 160, ['packed', 'every other row']),
    ],
  ),
  [
    'linear turns dense weights into 8-bit codes that are at most half a step away',
    async (lab) => {
      const [rows, cols] = [37, 96];
      for (const dtype of dense) {
        const random = makeWeight(4, dtype, [rows, cols]).values.fill(0, 32, 64); // with a block of zeros
        const weight = fromValues(dtype, [rows, cols], random, 'every other row');
        // Rows of the identity read the weights back, one column each.
        const x = Float32Array.from({ length: cols * cols }, (_, i) => (i % (cols + 1) === 0 ? 1 : 0));
        const step = lab.backend.begin();
        const uploaded = lab.backend.upload(weight.tensor, { dense: 'q8' });
        const [found] = await step.read([step.linear(lab.activations(step, x, cols), uploaded)]);
        const allowed = new Float64Array(cols * rows);
        const values = allowed.map((_, at) => {
          const [row, c] = [at % rows, Math.floor(at / rows)];
          const block = row * cols + c - (c % 32);
          const largest = weight.values.subarray(block, block + 32).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
          allowed[at] = (largest / 254) * 1.0001; // a step is a 127th of the largest; the rest is rounding of the step
          return weight.values[row * cols + c]!;
        });
        assertClose(dtype, found, { values, allowed });
      }
    },
  ],
];

async function linearCase(lab: Lab, dtype: DType, cols: number, kinds: readonly Arrangement[]): Promise<void> {
  const rows = 37;
  for (const arrangement of kinds) {
    const weight = makeWeight(6, dtype, [rows, cols], arrangement);
    const bias = makeWeight(7, 'bf16', [rows], 'every third column');
    const [w, b] = [lab.upload(weight), lab.upload(bias)];
    for (const tokens of [0, 1, 2, 5, 19]) {
      const x = randomRows(8 + tokens, tokens, cols, 3);
      if (tokens > 1) x.fill(0, 0, 32); // a block without a largest
      await linearOnce(lab, `${arrangement}, ${tokens} rows`, dtype, { x, cols, weight, w });
      await linearOnce(lab, `${arrangement}, ${tokens} rows, bias`, dtype, { x, cols, weight, w, bias, b });
    }
  }
}

interface LinearOperands {
  readonly x: Float32Array;
  readonly cols: number;
  readonly weight: Known;
  readonly w: Weight;
  readonly bias?: Known;
  readonly b?: Weight;
}

async function linearOnce(lab: Lab, what: string, dtype: DType, operands: LinearOperands): Promise<void> {
  const { x, cols, weight, w, bias, b } = operands;
  const step = lab.backend.begin();
  const [found] = await step.read([step.linear(lab.activations(step, x, cols), w, b)]);
  assertClose(what, found, multiply(lab, dtype, x, cols, weight, bias?.values));
}

const rope: Case[] = [16, 64].map((headDim) => [
  `rope turns dimension i with dimension i + ${headDim / 2} of the same head`,
  async (lab) => {
    const [tokens, heads, half] = [3, 5, headDim / 2];
    const x = randomRows(9, tokens, heads * headDim);
    const next = random(10);
    const turns = Float32Array.from({ length: tokens * half }, () => next() * 100);
    const [cos, sin] = [turns.map((turn) => 1.35 * Math.cos(turn)), turns.map((turn) => 1.35 * Math.sin(turn))];
    const step = lab.backend.begin();
    const [found] = await step.read([step.rope(lab.activations(step, x, heads * headDim), { cos, sin })]);
    const allowed = new Float64Array(x.length);
    const values = Float64Array.from(x, (value, at) => {
      const i = at % headDim;
      const turn = Math.floor(at / (heads * headDim)) * half + (i % half);
      const other = i < half ? -x[at + half]! : x[at - half]!;
      allowed[at] = 3 * ULP * (Math.abs(value * cos[turn]!) + Math.abs(other * sin[turn]!));
      return value * cos[turn]! + other * sin[turn]!;
    });
    assertClose('rope', found, { values, allowed });
  },
]);

const moves: Case[] = [
  [
    'rows picks rows in the named order, also twice, also none',
    async (lab) => {
      const x = randomRows(11, 5, 7);
      const step = lab.backend.begin();
      const tensor = lab.activations(step, x, 7);
      const picked = [4, 0, 4, 2];
      const [some, none] = await step.read([
        step.rows(tensor, Int32Array.from(picked)),
        step.rows(tensor, new Int32Array()),
      ]);
      assertExact(
        'rows',
        some,
        picked.flatMap((row) => [...x.subarray(row * 7, (row + 1) * 7)]),
      );
      assertExact('no rows', none, []);
    },
  ],
  [
    'add adds, and an operand may be both of them',
    async (lab) => {
      const [a, b] = [randomRows(12, 3, 37), randomRows(13, 3, 37)];
      const step = lab.backend.begin();
      const [left, right] = [lab.activations(step, a, 37), lab.activations(step, b, 37)];
      const [sum, twice] = await step.read([step.add(left, right), step.add(left, left)]);
      assertExact(
        'sum',
        sum,
        a.map((value, i) => value + b[i]!),
      );
      assertExact(
        'twice',
        twice,
        a.map((value) => 2 * value),
      );
    },
  ],
  [
    'read returns every named tensor in its order, inner ones and repeated ones too',
    async (lab) => {
      const x = randomRows(14, 2, 33);
      const step = lab.backend.begin();
      const first = lab.activations(step, x, 33);
      const second = step.add(first, first);
      const third = step.add(second, first);
      const found = await step.read([third, first, third, second]);
      [3, 1, 3, 2].forEach((times, i) => {
        assertExact(
          `tensor ${i}`,
          found[i],
          x.map((value) => (times === 3 ? Math.fround(2 * value) + value : times * value)),
        );
      });
    },
  ],
];

export const rowCases: readonly Case[] = [...embed, ...rmsNorm, ...linear, ...rope, ...moves];
