import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMissing } from '../../../test/support/backends.ts';
import type { Step, Tensor } from '../backend.ts';
import { CpuBackend, type OpTime } from './index.ts';
import { dense, mxfp4, randomMatrix } from './testing.ts';

const skip = await cpuMissing();

function weightsOf(backend: CpuBackend) {
  const matrix = (rows: number, cols: number, seed: number) =>
    backend.upload(dense(`m${seed}`, 'bf16', [rows, cols], randomMatrix(seed, rows, cols)));
  return {
    table: matrix(8, 64, 1),
    square: matrix(64, 64, 2),
    tall: matrix(200, 64, 3),
    router: matrix(5, 64, 4),
    other: matrix(5, 64, 5),
    gate: backend.upload(mxfp4('gate', 6, [5, 200, 64], 'pairs')),
    linear: backend.upload(mxfp4('linear', 7, [5, 64, 64], 'pairs')),
    gateBias: matrix(5, 200, 8),
    linearBias: matrix(5, 64, 9),
  };
}

type Weights = ReturnType<typeof weightsOf>;

/** Products in a row: some that could run together, and some that must not. */
const products: Record<string, (step: Step, x: Tensor, w: Weights, apart: () => void) => Tensor[]> = {
  'that read the same': (step, x, w, apart) => {
    const tall = step.linear(x, w.tall);
    apart();
    const square = step.linear(x, w.square);
    apart();
    return [tall, square, step.linear(x, w.router)];
  },
  'each of which reads the one before': (step, x, w, apart) => {
    let y = x;
    for (let i = 0; i < 4; i++, apart()) y = step.linear(y, w.square);
    return [y, step.linear(y, w.tall)];
  },
  'of experts that the same router chose': (step, x, w, apart) => {
    const routing = step.route(step.linear(x, w.router), 2);
    apart();
    const gate = step.expertLinear(x, w.gate, w.gateBias, routing);
    apart();
    return [gate, step.expertLinear(x, w.linear, w.linearBias, routing)];
  },
  'of experts that two routers chose': (step, x, w, apart) => {
    const first = step.route(step.linear(x, w.router), 2);
    const second = step.route(step.linear(x, w.other), 3);
    apart();
    const gate = step.expertLinear(x, w.gate, w.gateBias, first);
    apart();
    return [gate, step.expertLinear(x, w.linear, w.linearBias, second)];
  },
};

for (const [name, record] of Object.entries(products)) {
  for (const tokens of [1, 3, 50]) {
    test(`products ${name} give the same bits as with other ops between them, ${tokens} tokens`, { skip }, async () => {
      const backend = CpuBackend.open({ threads: 3 });
      const w = weightsOf(backend);
      const run = async (between: boolean) => {
        const step = backend.begin();
        const x = step.embed(
          w.table,
          Int32Array.from({ length: tokens }, (_, i) => (i * 5) % 8),
        );
        return await step.read(record(step, x, w, () => void (between && step.add(x, x))));
      };
      assert.deepEqual(await run(false), await run(true));
      backend.dispose();
    });
  }
}

test('products that ran together share their time', { skip }, async () => {
  const backend = CpuBackend.open({ threads: 2 });
  const w = weightsOf(backend);
  let ops: readonly OpTime[] = [];
  backend.profile((times) => {
    ops = times;
  });
  const step = backend.begin();
  const x = step.embed(w.table, Int32Array.of(1, 2));
  const started = performance.now();
  await step.read([step.linear(x, w.tall), step.linear(x, w.square)]);
  const elapsed = (performance.now() - started) / 1000;
  backend.dispose();

  assert.deepEqual(
    ops.map(({ op, weight }) => [op, weight?.label]),
    [
      ['embed', undefined],
      ['linear', 'm3'],
      ['linear', 'm2'],
    ],
  );
  assert.ok(ops.every(({ seconds }) => seconds > 0));
  assert.ok(ops.reduce((sum, { seconds }) => sum + seconds, 0) <= elapsed);
});
