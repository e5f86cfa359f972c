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

/** Exponents at which the last bit tells whether the compiler fused a product and a sum: the first six in one place, then in another. */
const TELLING = [
  -11.332538753494926, -4.490115070394794, -18.367780021646116, -24.657578641733117, -21.062528479576937,
  -9.267018179033384, -5.178547787771266, -6.575977745878616, -27.251125485819067, -15.010633703551283,
  -14.11292936193976, -19.756590435637698,
];

/**
 * Whether the kernels give the bits of this program's `Math.exp`. ECMAScript leaves these open: the kernels follow V8's, as it is
 * compiled for the architecture. Where another engine or build rounds otherwise, some of these 9,000 values tell.
 */
export function weighsAsMathExp({ weigh }: Pick<SamplingKernels, 'weigh'>): boolean {
  const row = Float32Array.from({ length: 3001 }, (_, i) => -760 * (i / 3000) ** 3);
  row[3000] = Number.NEGATIVE_INFINITY;
  return (
    TELLING.every((exponent) => agrees(weigh, Float32Array.of(1), exponent)) &&
    [1, 0.04, 1 / 0.7].every((scale) => agrees(weigh, row, scale))
  );
}

function agrees(weigh: SamplingKernels['weigh'], row: Float32Array, scale: number): boolean {
  const weights = new Float64Array(row.length);
  weigh(row, 0, scale, weights);
  return weights.every((weight, i) => Object.is(weight, row[i] === 0 ? 1 : Math.exp(row[i]! * scale)));
}
