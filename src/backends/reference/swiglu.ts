/**
 * min(gate, limit) · sigmoid(alpha · gate) · (clamp(linear, ±limit) + 1). The gate has no lower clamp.
 *
 * Reference: gpt_oss/torch/model.py, swiglu
 */
export function swiglu(
  gate: Float32Array,
  linear: Float32Array,
  limit: number,
  alpha: number,
  out: Float32Array,
): void {
  for (let i = 0; i < gate.length; i++) {
    const g = Math.min(gate[i]!, limit);
    const l = Math.max(-limit, Math.min(linear[i]!, limit));
    out[i] = (g / (1 + Math.exp(-alpha * g))) * (l + 1);
  }
}
