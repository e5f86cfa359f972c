import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { cpuMissing } from '../../../test/support/backends.ts';
import { OssiaError } from '../../base/index.ts';
import { type HostTensor, slice } from '../../tensor/index.ts';
import type { Step, Tensor } from '../backend.ts';
import { CpuBackend } from './index.ts';
import { cpuQuota } from './machine.ts';
import { dense, mxfp4, oneSequence, randomMatrix } from './testing.ts';

const skip = await cpuMissing();
const open = () => CpuBackend.open({ threads: 2 });
const matrix = (rows: number, cols: number, seed = 1) =>
  dense(`m${rows}x${cols}`, 'f32', [rows, cols], randomMatrix(seed, rows, cols));
const vector = (size: number) => dense(`v${size}`, 'f32', [size], randomMatrix(2, 1, size));

test('an instruction set that is not here is refused with what is', { skip }, () => {
  assert.throws(() => CpuBackend.open({ isa: 'altivec' }), {
    code: 'backend/unavailable',
    message: /altivec.*portable/,
  });
  assert.throws(() => CpuBackend.open({ threads: 0 }), RangeError);
});

test('the description names the instruction set and the threads', { skip }, () => {
  const backend = CpuBackend.open({ isa: 'portable', threads: 1 });
  assert.equal(backend.description, 'cpu: portable, 1 thread');
  backend.dispose();
});

test('a tensor that reaches beyond its bytes is refused', { skip }, () => {
  const backend = open();
  const good = matrix(3, 32);
  const bad: HostTensor[] = [
    { ...good, shape: [4, 32] },
    { ...good, data: { ...good.data, offset: 4 } },
    { ...good, data: { ...good.data, offset: -4 } },
    { ...good, data: { ...good.data, strides: [2 ** 50, 4] } },
    { ...good, data: { ...good.data, strides: [-128, 4] } },
    { ...good, shape: [2 ** 53, 2 ** 53] },
    { ...good, shape: [3, 0] },
    { ...good, dtype: 'q8', shape: [1, 33], data: { ...good.data, strides: [36, 36] } },
    { ...good, dtype: 'mxfp4' },
  ];
  for (const tensor of bad) {
    assert.throws(
      () => backend.upload(tensor),
      (error) => error instanceof OssiaError || error instanceof TypeError,
    );
  }
  backend.upload(good);
  backend.dispose();
});

/** Records ops that do not fit, each of which must reject and leave the backend able to work. */
const misfits: Record<string, (step: Step, backend: CpuBackend) => Tensor> = {
  'a token outside the table': (step, b) => step.embed(b.upload(matrix(5, 32)), Int32Array.of(5)),
  'a negative token': (step, b) => step.embed(b.upload(matrix(5, 32)), Int32Array.of(-1)),
  'a weight of other columns': (step, b) => {
    const x = step.embed(b.upload(matrix(5, 32)), Int32Array.of(1));
    return step.linear(x, b.upload(matrix(7, 64)));
  },
  'a bias of another length': (step, b) => {
    const x = step.embed(b.upload(matrix(5, 32)), Int32Array.of(1));
    return step.linear(x, b.upload(matrix(7, 32)), b.upload(vector(6)));
  },
  'a row that is not there': (step, b) =>
    step.rows(step.embed(b.upload(matrix(5, 32)), Int32Array.of(1)), Int32Array.of(1)),
  'sums of different shapes': (step, b) => {
    const table = b.upload(matrix(5, 32));
    return step.add(step.embed(table, Int32Array.of(1)), step.embed(table, Int32Array.of(1, 2)));
  },
  'more picks than choices': (step, b) => step.route(step.embed(b.upload(matrix(5, 32)), Int32Array.of(1)), 33).weights,
  'experts fewer than the router knows': (step, b) => {
    const x = step.embed(b.upload(matrix(5, 32)), Int32Array.of(1));
    const weight = b.upload(mxfp4('e', 3, [31, 9, 32], 'pairs'));
    const bias = b.upload(dense('b', 'f32', [31, 9], new Float32Array(31 * 9)));
    return step.expertLinear(x, weight, bias, step.route(x, 2));
  },
  'a position whose block is not there': (step, b) => {
    const pool = b.allocateKv({ layers: 1, kvHeads: 1, headDim: 32, blockSize: 64 });
    pool.grow(1);
    const q = step.embed(b.upload(matrix(5, 32)), Int32Array.of(1));
    const view = { ...oneSequence(130, 1), tables: Int32Array.of(-1, 0, 0) };
    return step.attend(q, pool, 0, b.upload(vector(1)), view, 0);
  },
  'a block outside the pool': (step, b) => {
    const pool = b.allocateKv({ layers: 1, kvHeads: 1, headDim: 32, blockSize: 64 });
    const q = step.embed(b.upload(matrix(5, 32)), Int32Array.of(1));
    return step.attend(q, pool, 0, b.upload(vector(1)), oneSequence(0, 1), 0);
  },
  'a layer outside the pool': (step, b) => {
    const pool = b.allocateKv({ layers: 1, kvHeads: 1, headDim: 32, blockSize: 64 });
    pool.grow(1);
    const q = step.embed(b.upload(matrix(5, 32)), Int32Array.of(1));
    return step.attend(q, pool, 1, b.upload(vector(1)), oneSequence(0, 1), 0);
  },
};

for (const [name, record] of Object.entries(misfits)) {
  test(`${name} rejects and harms nothing`, { skip }, async () => {
    const backend = open();
    const step = backend.begin();
    const tensor = record(step, backend);
    await assert.rejects(step.read([tensor]), { code: 'backend/bad-operand' });
    const next = backend.begin();
    const [row] = await next.read([next.embed(backend.upload(matrix(5, 37)), Int32Array.of(4))]);
    assert.deepEqual(row, randomMatrix(1, 5, 37).slice(4 * 37));
    backend.dispose();
  });
}

test('operands of another backend or step are refused', { skip }, () => {
  const [a, b] = [open(), open()];
  const table = a.upload(matrix(5, 32));
  assert.throws(() => b.begin().embed(table, Int32Array.of(0)), TypeError);
  const x = a.begin().embed(table, Int32Array.of(0));
  assert.throws(() => a.begin().add(x, x), TypeError);
  a.dispose();
  b.dispose();
});

test('a scale that is NaN rejects the step, naming tensor, expert and row', { skip }, async () => {
  for (const isa of CpuBackend.instructionSets()) {
    const backend = CpuBackend.open({ isa, threads: 2 });
    const experts = mxfp4('layers.7.gate', 3, [4, 37, 96], 'pairs');
    experts.scales!.bytes[(2 * 37 + 35) * 3 + 1] = 255; // expert 2, row 35
    const weight = backend.upload(experts);
    const bias = backend.upload(dense('b', 'f32', [4, 37], new Float32Array(4 * 37)));
    const table = backend.upload(matrix(5, 96));
    const step = backend.begin();
    const x = step.embed(table, Int32Array.of(0, 3));
    const routing = step.route(step.linear(x, backend.upload(matrix(4, 96, 9))), 4); // all experts
    await assert.rejects(step.read([step.expertLinear(x, weight, bias, routing)]), {
      code: 'checkpoint/nan-scale',
      message: /layers\.7\.gate.*expert 2, row 35/,
    });
    backend.dispose();
  }
});

test('a sink that is infinite shows in the result', { skip }, async () => {
  for (const isa of CpuBackend.instructionSets()) {
    const backend = CpuBackend.open({ isa, threads: 2 });
    const pool = backend.allocateKv({ layers: 1, kvHeads: 1, headDim: 32, blockSize: 64 });
    pool.grow(1);
    const sinks = backend.upload(dense('sinks', 'f32', [2], Float32Array.of(0.5, Number.POSITIVE_INFINITY)));
    const table = backend.upload(matrix(5, 64));
    const step = backend.begin();
    const k = step.linear(step.embed(table, Int32Array.of(3)), backend.upload(matrix(32, 64)));
    step.writeKv(pool, 0, k, k, oneSequence(0, 1));
    const q = step.embed(table, Int32Array.of(1));
    const [mixed] = await step.read([step.attend(q, pool, 0, sinks, oneSequence(0, 1), 0)]);
    assert.ok(mixed!.slice(0, 32).every(Number.isFinite), 'the head with a finite sink');
    assert.ok(mixed!.slice(32).every(Number.isNaN), 'the head with an infinite sink');
    backend.dispose();
  }
});

test('a stack of experts may be every other row of a larger one', { skip }, async () => {
  const backend = open();
  const both = mxfp4('both', 5, [3, 14, 64], 'pairs');
  const step = backend.begin();
  const x = step.embed(backend.upload(matrix(5, 64)), Int32Array.of(0, 3));
  const routing = step.route(step.linear(x, backend.upload(matrix(3, 64, 9))), 2);
  const zeros = (rows: number) => backend.upload(dense('b', 'f32', [3, rows], new Float32Array(3 * rows)));
  const whole = step.expertLinear(x, backend.upload(both), zeros(14), routing);
  const odd = step.expertLinear(x, backend.upload(slice(both, 1, 1, 14, 2)), zeros(7), routing);
  const [all, some] = (await step.read([whole, odd])) as [Float32Array, Float32Array];
  assert.deepEqual(
    [...some],
    [...all].filter((_, i) => i % 2 === 1),
  );
  backend.dispose();
});

test('steps of several backends run side by side, and dispose waits for those in flight', { skip }, async () => {
  const backends = [open(), open(), open()];
  const reads = backends.map(async (backend) => {
    const table = backend.upload(matrix(300, 320));
    const step = backend.begin();
    const x = step.embed(
      table,
      Int32Array.from({ length: 300 }, (_, i) => i),
    );
    const promise = step.read([step.linear(x, table)]);
    backend.dispose();
    assert.throws(() => backend.upload(matrix(3, 32)), { code: 'backend/unavailable' });
    return (await promise)[0]!;
  });
  const [first, ...others] = await Promise.all(reads);
  assert.equal(first!.length, 300 * 300);
  for (const other of others) assert.deepEqual(other, first);
});

test('a worker thread may end in the middle of a step', { skip }, async () => {
  const code = `
    import { parentPort } from 'node:worker_threads';
    import { CpuBackend } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    import { dense, randomMatrix } from ${JSON.stringify(new URL('./testing.ts', import.meta.url).href)};
    const backend = CpuBackend.open({ threads: 3 });
    const table = backend.upload(dense('t', 'f32', [900, 960], randomMatrix(1, 900, 960)));
    const step = backend.begin();
    const x = step.embed(table, Int32Array.from({ length: 900 }, (_, i) => i));
    step.read([step.linear(x, table)]);
    parentPort.postMessage('running');`;
  for (let i = 0; i < 5; i++) {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    await new Promise((settle, reject) => {
      worker.once('message', settle);
      worker.once('error', reject);
    });
    await worker.terminate();
  }
});

test('memory stays flat over many steps', { skip }, async () => {
  const backend = open();
  const table = backend.upload(matrix(64, 512));
  const ids = Int32Array.from({ length: 600 }, (_, i) => i % 64);
  const once = async () => {
    const step = backend.begin();
    let x = step.embed(table, ids); // 1.2 MB each
    for (let i = 0; i < 40; i++) x = step.add(x, x);
    await step.read([step.rows(x, Int32Array.of(0))]);
  };
  for (let i = 0; i < 20; i++) await once();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 200; i++) await once();
  assert.ok(process.memoryUsage.rss() - before < 32e6, `grew by ${process.memoryUsage.rss() - before} bytes`);
  backend.dispose();
});

test('a container quota caps the threads, in both kinds of control group', () => {
  const from = (files: Record<string, string>) =>
    cpuQuota((path) => {
      const text = files[path];
      if (text === undefined) throw new Error('ENOENT');
      return text;
    });
  assert.equal(from({ '/sys/fs/cgroup/cpu.max': '250000 100000\n' }), 2.5);
  assert.equal(from({ '/sys/fs/cgroup/cpu.max': 'max 100000\n' }), Number.POSITIVE_INFINITY);
  assert.equal(from({ '/sys/fs/cgroup/cpu.max': '50000 100000\n' }), 1);
  const v1 = { '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n' };
  assert.equal(from(v1), Number.POSITIVE_INFINITY);
  assert.equal(from({}), Number.POSITIVE_INFINITY);
});
