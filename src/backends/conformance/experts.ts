/** Cases of the mixture of experts: route, expertLinear, swiglu, mixExperts. */
import type { DType } from '../../tensor/index.ts';
import { assertClose, assertExact, assertRefused, type Lab, ULP } from './lab.ts';
import type { Case } from './rows.ts';
import { type Arrangement, fromValues, type Known, makeWeight, randomRows } from './weights.ts';

/** The definition: largest first, lowest index among equals. */
function bestOf(row: ArrayLike<number>, count: number): number[] {
  const order = Array.from({ length: row.length }, (_, index) => index);
  return order.sort((a, b) => row[b]! - row[a]! || a - b).slice(0, count);
}

const route: Case[] = [
  [
    'route takes the lowest index first among equals',
    async (lab) => {
      const logits = Float32Array.of(1, 3, 3, -2, 3, /**/ 0, 0, 0, 0, 0, /**/ -5, -1, -1, -9, -1.0000001);
      const step = lab.backend.begin();
      const { experts } = step.route(lab.activations(step, logits, 5), 3);
      const [found] = await step.read([experts]);
      assertExact('experts', found, [1, 2, 4, /**/ 0, 1, 2, /**/ 1, 2, 4]);
    },
  ],
  [
    'route lets a NaN show in the weights instead of passing over it',
    async (lab) => {
      const step = lab.backend.begin();
      const { weights } = step.route(lab.activations(step, Float32Array.of(1, 2, Number.NaN, 3), 4), 2);
      const [found] = await step.read([weights]);
      if (!found!.some(Number.isNaN)) throw new Error(`expected a NaN among the weights, got ${found}`);
    },
  ],
  [
    'route weighs the chosen by softmax over those alone, whatever the scale of the logits',
    async (lab) => {
      for (const [numExperts, count, spread] of [
        [37, 4, 3],
        [5, 5, 1],
        [3, 1, 1],
        [128, 4, 200],
      ] as const) {
        const logits = randomRows(21, 7, numExperts, spread);
        const step = lab.backend.begin();
        const routing = step.route(lab.activations(step, logits, numExperts), count);
        const [experts, weights] = await step.read([routing.experts, routing.weights]);
        const rows = Array.from({ length: 7 }, (_, row) => logits.subarray(row * numExperts, (row + 1) * numExperts));
        const chosen = rows.map((row) => bestOf(row, count));
        assertExact('experts', experts, chosen.flat());
        const allowed: number[] = [];
        const values = chosen.flatMap((indices, r) => {
          const gaps = indices.map((index) => rows[r]![index]! - rows[r]![indices[0]!]!);
          const sum = gaps.reduce((total, gap) => total + Math.exp(gap), 0);
          // A gap of g rounded to f32 turns exp by g units in the last place.
          allowed.push(...gaps.map((gap) => lab.chain(2 * Math.abs(gap) + count + 8, Math.exp(gap) / sum) + 1e-38));
          return gaps.map((gap) => Math.exp(gap) / sum);
        });
        assertClose('weights', weights, { values: Float64Array.from(values), allowed: Float64Array.from(allowed) });
      }
    },
  ],
];

const layouts: readonly [DType, Arrangement][] = [
  ['mxfp4', 'packed'],
  ['mxfp4', 'every other row'],
  ['mxfp4', 'behind scales'],
  ['bf16', 'packed'],
];

const expertLinear: Case[] = [
  ...layouts.map(
    ([dtype, arrangement]): Case => [
      `expertLinear multiplies each pick with its expert's ${dtype} matrix, ${arrangement}`,
      async (lab) => {
        for (const [tokens, picked] of [
          [1, 4],
          [13, 3],
          [40, 1],
          [0, 2],
        ] as const) {
          await expertLinearCase(lab, dtype, arrangement, tokens, picked);
        }
      },
    ],
  ),
  [
    'expertLinear refuses a scale of 255, naming the tensor, the expert and the row',
    async (lab) => {
      const weight = makeWeight(31, 'mxfp4', [3, 7, 64]);
      const { scales } = weight.tensor;
      scales!.bytes[scales!.offset + 2 * scales!.strides[0]! + 5 * scales!.strides[1]! + 1] = 255;
      const run = async (logits: Float32Array) => {
        const step = lab.backend.begin();
        const routing = step.route(lab.activations(step, logits, 3), 2);
        const bias = lab.upload(makeWeight(32, 'f32', [3, 7]));
        return await step.read([
          step.expertLinear(lab.activations(step, randomRows(33, 1, 64), 64), lab.upload(weight), bias, routing),
        ]);
      };
      await run(Float32Array.of(2, 1, 0)); // nobody asks expert 2
      await assertRefused('checkpoint/nan-scale', /mxfp4 packed.*expert 2, row 5/, () => run(Float32Array.of(2, 0, 1)));
    },
  ],
];

/** x as one row per token, and its result as one row per pick. */
async function expertLinearCase(
  lab: Lab,
  dtype: DType,
  arrangement: Arrangement,
  tokens: number,
  picked: number,
): Promise<void> {
  const [numExperts, inner, cols] = [7, 32, 96];
  const up = makeWeight(22, dtype, [numExperts, inner, cols], arrangement);
  const down = makeWeight(23, dtype, [numExperts, 5, inner], arrangement);
  const upBias = makeWeight(24, 'bf16', [numExperts, inner], 'every other row');
  const downBias = makeWeight(25, 'f32', [numExperts, 5]);
  const x = randomRows(26, tokens, cols);
  const logits = randomRows(27, tokens, numExperts);

  const step = lab.backend.begin();
  const routing = step.route(lab.activations(step, logits, numExperts), picked);
  const first = step.expertLinear(lab.activations(step, x, cols), lab.upload(up), lab.upload(upBias), routing);
  const second = step.expertLinear(first, lab.upload(down), lab.upload(downBias), routing);
  const [foundFirst, foundSecond] = await step.read([first, second]);

  const chosen = Array.from({ length: tokens }, (_, token) =>
    bestOf(logits.subarray(token * numExperts, (token + 1) * numExperts), picked),
  ).flat();
  const what = `${tokens} tokens, ${picked} picks`;
  const tokenRows = chosen.map((_, pick) => x.subarray(Math.floor(pick / picked) * cols).subarray(0, cols));
  assertClose(what, foundFirst, ask(lab, dtype, tokenRows, chosen, up, upBias));
  // The second op is judged by what the first one really gave.
  const pickRows = chosen.map((_, pick) => foundFirst!.subarray(pick * inner, (pick + 1) * inner));
  assertClose(`${what}, a row per pick`, foundSecond, ask(lab, dtype, pickRows, chosen, down, downBias));
}

function ask(
  lab: Lab,
  dtype: DType,
  inputs: readonly Float32Array[],
  chosen: readonly number[],
  weight: Known,
  bias: Known,
) {
  const [, rows, cols] = weight.tensor.shape as [number, number, number];
  const values = new Float64Array(chosen.length * rows);
  const allowed = new Float64Array(chosen.length * rows);
  chosen.forEach((expert, pick) => {
    for (let row = 0; row < rows; row++) {
      const w = weight.values.subarray((expert * rows + row) * cols, (expert * rows + row + 1) * cols);
      const b = bias.values[expert * rows + row]!;
      values[pick * rows + row] = w.reduce((sum, value, c) => sum + value * inputs[pick]![c]!, b);
      allowed[pick * rows + row] = lab.dotError(dtype, inputs[pick]!, w, b);
    }
  });
  return { values, allowed };
}

const swiglu: Case[] = [
  [
    'swiglu clamps the gate above only and the linear half on both sides',
    async (lab) => {
      const [limit, alpha] = [7, 1.702];
      const gate = Float32Array.of(0, 1, -1, 7, 7.5, 1e6, -7.5, -30, -1e6, 3.25, 0.001, -100, 6.999);
      const linear = Float32Array.of(3, -1, 9, -9, 0, 7, -7, 2, 1, -1e9, 1e9, 0.5, -0.999);
      const step = lab.backend.begin();
      const inputs = [lab.activations(step, gate, 13), lab.activations(step, linear, 13)] as const;
      const [found] = await step.read([step.swiglu(...inputs, limit, alpha)]);
      const allowed = new Float64Array(13);
      const values = Float64Array.from(gate, (value, i) => {
        const g = Math.min(value, limit);
        const l = Math.min(Math.max(linear[i]!, -limit), limit);
        const opened = g / (1 + Math.exp(-alpha * g));
        // exp's argument is rounded to f32 (|alpha g| units), and linear + 1 may cancel. Below 1e-30 f32 runs out.
        allowed[i] = lab.chain(Math.abs(alpha * g) + 10, opened) * Math.abs(l + 1) + 2 * ULP * Math.abs(opened) + 1e-30;
        return opened * (l + 1);
      });
      assertClose('swiglu', found, { values, allowed });
    },
  ],
];

const mixExperts: Case[] = [
  [
    'mixExperts adds the answers by their weights',
    async (lab) => {
      const [tokens, numExperts, picked, hidden] = [5, 7, 3, 37];
      const logits = randomRows(28, tokens, numExperts);
      const answersOf = makeWeight(29, 'f32', [numExperts, hidden]);
      const step = lab.backend.begin();
      const routing = step.route(lab.activations(step, logits, numExperts), picked);
      // Experts of zeros answer with their bias.
      const nothing = fromValues('bf16', [numExperts, hidden, 32], new Float32Array(numExperts * hidden * 32));
      const x = lab.activations(step, randomRows(30, tokens, 32), 32);
      const answers = step.expertLinear(x, lab.upload(nothing), lab.upload(answersOf), routing);
      const [found, weights] = await step.read([step.mixExperts(answers, routing), routing.weights]);
      const values = new Float64Array(tokens * hidden);
      const allowed = new Float64Array(tokens * hidden);
      for (let token = 0; token < tokens; token++) {
        bestOf(logits.subarray(token * numExperts, (token + 1) * numExperts), picked).forEach((expert, pick) => {
          for (let c = 0; c < hidden; c++) {
            const term = weights![token * picked + pick]! * answersOf.values[expert * hidden + c]!;
            values[token * hidden + c]! += term;
            allowed[token * hidden + c]! += (picked + 1) * ULP * Math.abs(term);
          }
        });
      }
      assertClose('mixed', found, { values, allowed });
    },
  ],
];

export const expertCases: readonly Case[] = [...route, ...expertLinear, ...swiglu, ...mixExperts];
