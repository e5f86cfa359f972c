import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMissing } from '../../../test/support/backends.ts';
import { CpuBackend, measureIntegerPeak, type OpTime } from './index.ts';
import { instructionSets } from './machine.ts';
import { dense, mxfp4, randomMatrix } from './testing.ts';

const skip = await cpuMissing();

test('a profiled step tells what each op was, and how long it took', { skip }, async () => {
  const backend = CpuBackend.open({ threads: 2 });
  const table = backend.upload(dense('table', 'f32', [4, 64], randomMatrix(1, 4, 64)));
  const router = backend.upload(dense('blk.0.router', 'bf16', [3, 64], randomMatrix(2, 3, 64)));
  const experts = backend.upload(mxfp4('blk.0.experts', 3, [3, 16, 64], 'pairs'));
  const bias = backend.upload(dense('blk.0.bias', 'f32', [3, 16], randomMatrix(4, 3, 16)));
  const run = async () => {
    const step = backend.begin();
    const x = step.embed(table, Int32Array.of(0, 1, 3));
    const routing = step.route(step.linear(x, router), 2);
    const [answers] = await step.read([step.expertLinear(x, experts, bias, routing)]);
    return answers!;
  };
  const seen: (readonly OpTime[])[] = [];
  const plain = await run();
  backend.profile((ops) => seen.push(ops));
  const started = performance.now();
  assert.deepEqual(await run(), plain);
  const elapsed = (performance.now() - started) / 1000;
  backend.profile(undefined);
  await run();
  backend.dispose();

  assert.equal(seen.length, 1); // the other steps were not profiled
  const [ops] = seen as [readonly OpTime[]];
  assert.deepEqual(
    ops.map(({ op, weight, inputs }) => [op, weight?.label, weight?.bytes, inputs]),
    [
      ['embed', undefined, undefined, undefined],
      ['linear', 'blk.0.router', 3 * 64 * 2, 3],
      ['route', undefined, undefined, undefined],
      ['expertLinear', 'blk.0.experts', (16 * 64 * 17) / 32, 6], // of one expert; three tokens with two picks
    ],
  );
  const total = ops.reduce((sum, { seconds }) => sum + seconds, 0);
  assert.ok(ops.every(({ seconds }) => seconds >= 0));
  assert.ok(total > 0 && total <= elapsed);
});

test('the integer peak is measured for every instruction set, and for no other', { skip }, () => {
  for (const isa of instructionSets()) assert.ok(measureIntegerPeak({ threads: 1, isa }) > 0.1, isa);
  assert.throws(() => measureIntegerPeak({ isa: 'avx1024' }), { code: 'backend/unavailable' });
});
