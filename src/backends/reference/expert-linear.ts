import { multiplyMatrix } from './linear.ts';
import type { ReferenceWeight } from './weight.ts';

/**
 * Each pick's row times its expert's matrix, plus that expert's bias.
 * x [tokens, cols], the same for every pick, or [tokens, picked, cols]; experts [tokens, picked];
 * weight [experts, rows, cols], bias [experts, rows], out [tokens, picked, rows]
 *
 * Reference: gpt_oss/torch/model.py, MLPBlock.forward
 */
export function expertLinear(
  x: Float32Array,
  experts: Float32Array,
  weight: ReferenceWeight,
  bias: ReferenceWeight,
  out: Float32Array,
): void {
  const { rows, cols } = weight;
  const picksPerRow = experts.length / (x.length / cols); // 1 when every pick has a row of its own
  const picksOf = new Map<number, number[]>();
  experts.forEach((expert, pick) => {
    const picks = picksOf.get(expert);
    if (picks) picks.push(pick);
    else picksOf.set(expert, [pick]);
  });
  for (const [expert, picks] of picksOf) {
    const xAt = picks.map((pick) => Math.floor(pick / picksPerRow) * cols);
    const outAt = picks.map((pick) => pick * rows);
    multiplyMatrix({ x, xAt, out, outAt }, weight, expert, bias.read(0, expert, 1));
  }
}
