import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeWeight } from '../conformance/weights.ts';
import { ReferenceBackend } from './backend.ts';

const table = makeWeight(1, 'f32', [5, 32]).tensor;
const ids = (...ids: number[]) => Int32Array.from(ids);

test('a step is over once it was read', async () => {
  const backend = new ReferenceBackend();
  const weight = backend.upload(table);
  const step = backend.begin();
  const x = step.embed(weight, ids(1));
  await step.read([x]);
  assert.throws(() => step.add(x, x), TypeError);
  assert.throws(() => step.embed(weight, ids(1)), TypeError);
  await assert.rejects(step.read([x]), TypeError);
});

test('operands of another step or another backend are refused', () => {
  const backend = new ReferenceBackend();
  const weight = backend.upload(table);
  const x = backend.begin().embed(weight, ids(1));
  assert.throws(() => backend.begin().add(x, x), TypeError);
  assert.throws(() => backend.begin().embed({ shape: [5, 32], label: 'foreign' }, ids(1)), TypeError);
});

test('operands that do not fit are refused by op, while the step is recorded', () => {
  const backend = new ReferenceBackend();
  const step = backend.begin();
  const x = step.embed(backend.upload(table), ids(1, 2));
  const pool = backend.allocateKv({ layers: 2, kvHeads: 1, headDim: 32, blockSize: 64 });
  pool.grow(1);
  const view = { positions: ids(0, 1), sequences: ids(0, 0), tables: ids(0), tableWidth: 1 };
  const vector = (size: number) => backend.upload(makeWeight(2, 'f32', [size]).tensor);
  const misfits: [RegExp, () => unknown][] = [
    [/embed.*id 5/, () => step.embed(backend.upload(table), ids(5))],
    [/rmsNorm.*columns/, () => step.rmsNorm(x, vector(31), 1e-5)],
    [/linear.*columns/, () => step.linear(x, backend.upload(makeWeight(3, 'f32', [7, 31]).tensor))],
    [/linear.*biases/, () => step.linear(x, backend.upload(makeWeight(3, 'f32', [7, 32]).tensor), vector(6))],
    [/linear.*rank 2/, () => step.linear(x, vector(32))],
    [/rows.*row 2/, () => step.rows(x, ids(0, 2))],
    [/add.*shapes/, () => step.add(x, step.rows(x, ids(0)))],
    [/route.*33/, () => step.route(x, 33)],
    [/rope/, () => step.rope(x, { cos: new Float32Array(2 * 5), sin: new Float32Array(2 * 5) })],
    [/writeKv.*layer 2/, () => step.writeKv(pool, 2, x, x, view)],
    [/writeKv.*beyond/, () => step.writeKv(pool, 0, x, x, { ...view, positions: ids(0, 64) })],
    [/attend.*no block/, () => step.attend(x, pool, 0, vector(1), { ...view, tables: ids(-1) }, 0)],
    [/attend.*no block/, () => step.attend(x, pool, 0, vector(1), { ...view, tables: ids(1) }, 0)],
    [/attend.*columns/, () => step.attend(x, pool, 0, vector(2), view, 0)],
  ];
  for (const [message, record] of misfits) assert.throws(record, { code: 'backend/bad-operand', message });
});
