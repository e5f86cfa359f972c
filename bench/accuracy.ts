/**
 * How far logits are from OpenAI's reference in f32, on the golden cases: mean and 99th percentile of KL(reference ‖ ours) in
 * nats, how often the best token is the same, and the largest difference. What rounding to 8 bits costs.
 */
import { openBackend } from '../src/backends/index.ts';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { evaluate, loadModel } from '../src/model/index.ts';
import { Comparison, goldenCase, readNumbers } from '../test/support/golden.ts';

const setups = [
  ['reference', 'keep'],
  ['cpu', 'keep'],
  ['cpu', 'q8'],
] as const;

console.log('| case | backend | dense | mean KL | p99 KL | best token | largest difference |');
console.log('|---|---|---|---|---|---|---|');
for (const name of ['micro', 'small', 'long']) {
  const { directory, sequences } = goldenCase(name);
  const sequence = sequences[sequences.length - 1]!; // the longest
  const logits = readNumbers(`${directory}/logits.safetensors`).get(sequence.logits)!;
  for (const [backendName, dense] of setups) {
    const backend = await openBackend(backendName);
    const checkpoint = await openCheckpoint(directory);
    const model = loadModel(checkpoint, backend, { dense });
    const comparison = new Comparison(logits.values as Float32Array, logits.shape[1]!);
    await evaluate(model, sequence.tokens, {
      ...(sequence.positions === 'all' ? {} : { positions: sequence.positions }),
      onRow: (index, row) => comparison.add(index, row),
    });
    const { kl_mean, kl_p99, top1, max_abs } = comparison.figures();
    const figures = [
      kl_mean.toExponential(1),
      kl_p99.toExponential(1),
      `${(100 * top1).toFixed(1)} %`,
      max_abs.toExponential(1),
    ];
    console.log(`| ${name} (${sequence.tokens.length} tokens) | ${backendName} | ${dense} | ${figures.join(' | ')} |`);
    backend.dispose();
    checkpoint.close();
  }
}
