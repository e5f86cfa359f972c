import { cpuSampling } from './cpu/sampling.ts';
import { referenceSampling } from './reference/sampling.ts';

export { referenceSampling };

/**
 * Passes over one row that choosing a token is made of. A row is logits, −∞ where masked, or weights ≥ 0, by id; there is no NaN.
 * All run on the calling thread, and every implementation gives the same bits.
 */
export interface SamplingKernels {
  /** Copies logits into `out`; returns the index of the first that is not finite, or −1. */
  copyFinite(logits: Float32Array, out: Float32Array): number;

  /** The id of the largest logit, the lowest id among equals. */
  argmax(row: Float32Array): number;

  /** weights[id] = exp((row[id] − max) · scale), 1 where the difference is 0; returns their sum, added in order. null: the sum alone. */
  weigh(row: Float32Array, max: number, scale: number, weights: Float64Array | null): number;

  /** The first id at which `left`, less the weights up to and with it, is below 0; or else the last that weighs anything, or −1. */
  pick(weights: Float64Array, left: number): number;

  /**
   * Writes the ids that weigh anything and come no later than (cutWeight, cutId), in order; returns how many there are.
   * The heavier comes first, then the lower id. `ids` has room for as many as there are weights.
   */
  gather(weights: Float64Array, cutWeight: number, cutId: number, ids: Int32Array): number;

  /** The largest of every `block` weights, into `out`. */
  blockMaxima(weights: Float64Array, block: number, out: Float64Array): void;

  /** Fills `ids` with those of the largest logits, best first, then the lower id, without −∞; returns how many there are. */
  largest(row: Float32Array, ids: Int32Array): number;
}

/** The addon's where it was built and gives the bits of this program's `Math.exp`; or else the ones in TypeScript. */
export function samplingKernels(): SamplingKernels {
  return cpuSampling() ?? referenceSampling;
}
