/**
 * The answers of a token's experts by the router's confidence, added in pick order.
 * answers [tokens, picked, hidden], weights [tokens, picked], out [tokens, hidden]
 */
export function mixExperts(answers: Float32Array, weights: Float32Array, picked: number, out: Float32Array): void {
  const tokens = weights.length / picked;
  const hidden = tokens === 0 ? 0 : out.length / tokens;
  for (let token = 0; token < tokens; token++) {
    for (let c = 0; c < hidden; c++) {
      let sum = 0;
      for (let pick = token * picked; pick < (token + 1) * picked; pick++) {
        sum += weights[pick]! * answers[pick * hidden + c]!;
      }
      out[token * hidden + c] = sum;
    }
  }
}
