/**
 * x · rsqrt(mean(x²) + epsilon) · weight, per row. x and out [tokens, hidden], weight [hidden]
 *
 * Reference: gpt_oss/torch/model.py, RMSNorm.forward
 */
export function rmsNorm(x: Float32Array, weight: Float32Array, epsilon: number, out: Float32Array): void {
  const cols = weight.length;
  for (let start = 0; start < x.length; start += cols) {
    let squares = 0;
    for (let c = 0; c < cols; c++) squares += x[start + c]! * x[start + c]!;
    const scale = 1 / Math.sqrt(squares / cols + epsilon);
    for (let c = 0; c < cols; c++) out[start + c] = x[start + c]! * scale * weight[c]!;
  }
}
