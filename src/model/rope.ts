import type { RopeAngles } from '../backends/index.ts';
import type { ModelConfig } from './types.ts';

type RopeConfig = Pick<
  ModelConfig,
  'headDim' | 'ropeTheta' | 'ropeScalingFactor' | 'ropeBetaSlow' | 'ropeBetaFast' | 'initialContextLength'
>;

const f32 = Math.fround;

/** What a position turns by: YaRN's frequencies, and the factor on cos and sin. */
export interface Rope {
  /** [headDim / 2] radians per position. */
  readonly inverseFrequencies: Float32Array;
  /** Multiplies cos and sin, hence both q and k, at every length. */
  readonly concentration: number;
}

/**
 * YaRN's frequencies: fast dimensions turn as trained, slow ones `ropeScalingFactor` times slower, with a ramp between
 * them whose ends are *not* rounded to whole dimensions. Every operation rounds to f32, as the reference's does: at
 * position 9,000 the difference to f64 shows in the logits.
 *
 * Reference: gpt_oss/torch/model.py, RotaryEmbedding._compute_concentration_and_inv_freq
 */
export function yarn(config: RopeConfig): Rope {
  const { headDim, ropeTheta: theta, ropeScalingFactor: factor } = config;
  const half = headDim / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) => theta ** f32((2 * i) / headDim));
  if (factor <= 1) return { inverseFrequencies: frequencies.map((frequency) => 1 / frequency), concentration: 1 };

  // The dimension that makes `turns` full turns within the trained context.
  const dimension = (turns: number) =>
    (half * Math.log(config.initialContextLength / (turns * 2 * Math.PI))) / Math.log(theta);
  const low = dimension(config.ropeBetaFast);
  const high = dimension(config.ropeBetaSlow);
  const inverseFrequencies = frequencies.map((frequency, i) => {
    const ramp = f32(f32(i - f32(low)) / f32(high - low));
    const mask = f32(1 - Math.min(Math.max(ramp, 0), 1)); // 1 where the frequency stays as trained
    const interpolated = f32(1 / f32(factor * frequency));
    const trained = f32(1 / frequency);
    return f32(interpolated * f32(1 - mask)) + f32(trained * mask);
  });
  return { inverseFrequencies, concentration: 0.1 * Math.log(factor) + 1 };
}

/** cos and sin for each of `positions`; the angle itself is a product in f32, as in the reference. */
export function ropeAngles({ inverseFrequencies, concentration }: Rope, positions: Int32Array): RopeAngles {
  const half = inverseFrequencies.length;
  const cos = new Float32Array(positions.length * half);
  const sin = new Float32Array(positions.length * half);
  for (let token = 0, at = 0; token < positions.length; token++) {
    for (let i = 0; i < half; i++, at++) {
      const angle = f32(positions[token]! * inverseFrequencies[i]!);
      cos[at] = Math.cos(angle) * concentration;
      sin[at] = Math.sin(angle) * concentration;
    }
  }
  return { cos, sin };
}
