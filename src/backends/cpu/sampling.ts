import type { SamplingKernels } from '../sampling.ts';
import { loadAddon } from './addon.ts';
import { instructionSets } from './machine.ts';

let best: SamplingKernels | null | undefined;

/** The sampling kernels of an instruction set, without which the best that the machine has; undefined when they cannot be used. */
export function cpuSampling(isa?: string): SamplingKernels | undefined {
  if (isa !== undefined) return open(isa);
  if (best === undefined) best = open(instructionSets()[0]) ?? null;
  return best ?? undefined;
}

function open(isa: string | undefined): SamplingKernels | undefined {
  const result = loadAddon();
  if (isa === undefined || !('addon' in result)) return undefined;
  const kernels = result.addon.sampling(isa);
  return weighsAsMathExp(kernels) ? kernels : undefined;
}

/**
 * Whether the kernels give the bits of this program's `Math.exp`. ECMAScript leaves these open: the kernels have fdlibm's, as V8
 * does on x86-64. Where another engine or build rounds otherwise, some of these 9,000 values tell.
 */
export function weighsAsMathExp({ weigh }: Pick<SamplingKernels, 'weigh'>): boolean {
  const row = Float32Array.from({ length: 3001 }, (_, i) => -760 * (i / 3000) ** 3);
  row[3000] = Number.NEGATIVE_INFINITY;
  const weights = new Float64Array(row.length);
  return [1, 0.04, 1 / 0.7].every((scale) => {
    weigh(row, 0, scale, weights);
    return weights.every((weight, i) => Object.is(weight, Math.exp(row[i]! * scale)));
  });
}
