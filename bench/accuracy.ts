/**
 * How far logits are from OpenAI's reference in f32, on the golden cases: mean and 99th percentile of KL(reference ‖ ours) in
 * nats, how often the best token is the same, rms and largest difference. What rounding to 8 bits costs; and what 8-bit keys and
 * values alone change, against the same run with 16 bits, also on ossia-nano.
 */
import { readFileSync } from 'node:fs';
import { openBackend } from '../src/backends/index.ts';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { evaluate, loadModel } from '../src/model/index.ts';
import { Comparison, goldenCase, goldenDirectory, readNumbers } from '../test/support/golden.ts';

interface Setup {
  readonly backend: 'reference' | 'cpu';
  readonly dense: 'keep' | 'q8';
  readonly kvBits: 8 | 16;
}

const setups: readonly Setup[] = [
  { backend: 'reference', dense: 'keep', kvBits: 16 },
  { backend: 'reference', dense: 'keep', kvBits: 8 },
  { backend: 'cpu', dense: 'keep', kvBits: 16 },
  { backend: 'cpu', dense: 'keep', kvBits: 8 },
  { backend: 'cpu', dense: 'q8', kvBits: 16 },
  { backend: 'cpu', dense: 'q8', kvBits: 8 },
];

/** What a setup makes of a text: the logits of some positions, one row after the other. */
interface Text {
  readonly name: string;
  readonly directory: string;
  readonly tokens: readonly number[];
  readonly positions?: readonly number[];
  /** OpenAI's reference, where there is one; else our own is taken for it. */
  readonly expected?: Float32Array;
}

function* texts(): Generator<Text> {
  for (const name of ['micro', 'small', 'long']) {
    const { directory, sequences } = goldenCase(name);
    const { tokens, positions, logits } = sequences[sequences.length - 1]!; // the longest
    const expected = readNumbers(`${directory}/logits.safetensors`).get(logits)!.values as Float32Array;
    yield { name, directory, tokens, expected, ...(positions === 'all' ? {} : { positions }) };
  }
  const checks = JSON.parse(readFileSync(goldenDirectory('ossia-nano-checks.json'), 'utf8')) as {
    readonly cases: readonly { readonly prompt_ids: number[] }[];
  };
  const tokens = checks.cases.flatMap(({ prompt_ids }) => prompt_ids).slice(0, 1500);
  yield { name: 'ossia-nano', directory: goldenDirectory('../../models/ossia-nano'), tokens };
}

async function logitsOf({ directory, tokens, positions }: Text, setup: Setup): Promise<Float32Array> {
  const backend = await openBackend(setup.backend);
  const checkpoint = await openCheckpoint(directory);
  try {
    const model = loadModel(checkpoint, backend, setup);
    const { vocabSize } = model.config;
    const rows = new Float32Array((positions ?? tokens).length * vocabSize);
    await evaluate(model, tokens, {
      ...(positions ? { positions } : {}),
      onRow: (index, row) => rows.set(row, index * vocabSize),
    });
    return rows;
  } finally {
    backend.dispose();
    checkpoint.close();
  }
}

function figures(expected: Float32Array, found: Float32Array, rows: number): string {
  const vocab = expected.length / rows;
  const comparison = new Comparison(expected, vocab);
  for (let row = 0; row < rows; row++) comparison.add(row, found.subarray(row * vocab, (row + 1) * vocab));
  const { kl_mean, kl_p99, top1, rms, max_abs } = comparison.figures();
  const columns = [kl_mean, kl_p99, rms, max_abs].map((figure) => figure.toExponential(1));
  return [...columns.slice(0, 2), `${(100 * top1).toFixed(1)} %`, ...columns.slice(2)].join(' | ');
}

const effect: string[] = [];
console.log('| case | backend | dense | KV | mean KL | p99 KL | best token | rms difference | largest |');
console.log('|---|---|---|---|---|---|---|---|---|');
for (const text of texts()) {
  const { name, tokens } = text;
  let { expected } = text;
  const rows = (text.positions ?? tokens).length;
  let at16: Float32Array | undefined;
  for (const setup of setups) {
    const { backend, dense, kvBits } = setup;
    const found = await logitsOf(text, setup);
    const label = `| ${name} (${tokens.length} tokens) | ${backend} | ${dense} |`;
    expected ??= found; // the first setup
    console.log(`${label} ${kvBits} | ${figures(expected, found, rows)} |`);
    if (kvBits === 16) at16 = found;
    else if (at16) effect.push(`${label} ${figures(at16, found, rows)} |`);
  }
}
console.log('\nKeys and values at 8 bits against the same with 16 bits:\n');
console.log('| case | backend | dense | mean KL | p99 KL | best token | rms difference | largest |');
console.log('|---|---|---|---|---|---|---|---|');
for (const line of effect) console.log(line);
