import type { RopeAngles } from '../backend.ts';

/**
 * Turns dimension i with dimension i + headDim / 2 of the same head (the half-split, "NeoX" layout).
 * x and out [tokens, heads * headDim], angles [tokens, headDim / 2]
 *
 * Reference: gpt_oss/torch/model.py, _apply_rotary_emb
 */
export function rope(x: Float32Array, tokens: number, { cos, sin }: RopeAngles, out: Float32Array): void {
  if (tokens === 0) return;
  const half = cos.length / tokens;
  const width = x.length / tokens;
  for (let token = 0; token < tokens; token++) {
    for (let head = token * width; head < (token + 1) * width; head += 2 * half) {
      for (let i = 0; i < half; i++) {
        const a = x[head + i]!;
        const b = x[head + half + i]!;
        const c = cos[token * half + i]!;
        const s = sin[token * half + i]!;
        out[head + i] = a * c - b * s;
        out[head + half + i] = b * c + a * s;
      }
    }
  }
}
