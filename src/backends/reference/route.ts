/**
 * The `count` largest logits of each row, lowest index first among equals, and softmax over those alone.
 * logits [tokens, experts]; experts and weights [tokens, count], best first
 *
 * Reference: gpt_oss/torch/model.py, MLPBlock.forward
 */
export function route(
  logits: Float32Array,
  numExperts: number,
  count: number,
  experts: Float32Array,
  weights: Float32Array,
): void {
  for (let token = 0; token * numExperts < logits.length; token++) {
    const row = logits.subarray(token * numExperts, (token + 1) * numExperts);
    const order = Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b);
    let sum = 0;
    for (let pick = 0; pick < count; pick++) sum += Math.exp(row[order[pick]!]! - row[order[0]!]!);
    for (let pick = 0; pick < count; pick++) {
      experts[token * count + pick] = order[pick]!;
      weights[token * count + pick] = Math.exp(row[order[pick]!]! - row[order[0]!]!) / sum;
    }
  }
}
