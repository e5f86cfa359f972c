/**
 * The `count` largest logits of each row, lowest index first among equals, and softmax over those alone.
 * A NaN counts as the largest, so that it is chosen and shows in the weights.
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
    const order = Array.from(row.keys()).sort(
      (a, b) => Number(isAbove(row[b]!, row[a]!)) - Number(isAbove(row[a]!, row[b]!)) || a - b,
    );
    let sum = 0;
    for (let pick = 0; pick < count; pick++) sum += Math.exp(row[order[pick]!]! - row[order[0]!]!);
    for (let pick = 0; pick < count; pick++) {
      experts[token * count + pick] = order[pick]!;
      weights[token * count + pick] = Math.exp(row[order[pick]!]! - row[order[0]!]!) / sum;
    }
  }
}

function isAbove(a: number, b: number): boolean {
  return a > b || (Number.isNaN(a) && !Number.isNaN(b));
}
