import { test } from 'node:test';
import { cpuMissing } from '../../test/support/backends.ts';
import { conformanceSuite, type Tolerances } from './conformance.ts';
import { openBackend } from './index.ts';

const exact: Tolerances = { sums: 'f64', int8Activations: false, kvRounding: 0 };
for (const { name, run } of conformanceSuite(() => openBackend('reference'), exact)) test(`reference: ${name}`, run);

/** Every rounding that the cpu backend makes. */
const cpu: Tolerances = { sums: 'f32', int8Activations: true, kvRounding: 2 ** -11 };
const skip = await cpuMissing();
if (skip) {
  test('cpu: all cases', { skip }, () => {});
} else {
  const { CpuBackend } = await import('./cpu/index.ts');
  for (const isa of CpuBackend.instructionSets()) {
    const open = () => openBackend('cpu', { isa, threads: 3 });
    for (const { name, run } of conformanceSuite(open, cpu)) test(`cpu, ${isa}: ${name}`, run);
  }
}
