/**
 * Where the time of a step goes, op by op, beside what the machine allows:
 *
 *     npm run bench -- --profile [--model 20b | --model FILE] [--threads N] [--prompt 512] [--context 0] [--tokens 32] [--streams 1]
 *
 * One step of `--prompt` tokens, three times, then `--tokens` steps of decoding by `--streams` sequences that hold `--context`
 * tokens each. Medians over the steps; ops of all layers with the same kind of weight are one line. GB/s counts each weight once a
 * step (of experts, as many as different ones are asked if all are equally likely), GOP/s the multiplications and additions.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CpuBackend, type OpTime } from '../src/backends/cpu/index.ts';
import { cpuMachine, measureIntegerPeak, measureReadBandwidth } from '../src/backends/index.ts';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { KvCache, loadModel, runStep, type Sequence } from '../src/model/index.ts';
import { LineTable } from './profile/lines.ts';
import { randomPrompt } from './speed/rows.ts';
import { cacheFolder, makeSynthetic } from './synthetic/make.ts';
import { type Preset, presets } from './synthetic/presets.ts';

const { values: flags } = parseArgs({
  options: {
    profile: { type: 'boolean' },
    model: { type: 'string', default: '20b' },
    dir: { type: 'string', default: cacheFolder() },
    threads: { type: 'string', default: String(cpuMachine().defaultThreads) },
    isa: { type: 'string' },
    dense: { type: 'string', default: 'keep' },
    prompt: { type: 'string', default: '512' },
    context: { type: 'string', default: '0' },
    tokens: { type: 'string', default: '32' },
    streams: { type: 'string', default: '1' },
  },
});
const CHUNK = 512;

const path = Object.hasOwn(presets, flags.model)
  ? makeSynthetic(flags.model as Preset, 'gguf', { directory: flags.dir, log: console.log })
  : resolve(flags.model);
const [threads, prompt, context, tokens, streams] = (
  ['threads', 'prompt', 'context', 'tokens', 'streams'] as const
).map((name) => {
  const value = Number(flags[name]);
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`Expected --${name} to be 0 or more`);
  return value;
}) as [number, number, number, number, number];

const backend = CpuBackend.open({ threads, ...(flags.isa === undefined ? {} : { isa: flags.isa }) });
const checkpoint = await openCheckpoint(path);
const model = loadModel(checkpoint, backend, { dense: flags.dense === 'q8' ? 'q8' : 'keep' });
const { vocabSize } = model.config;
const bandwidth = measureReadBandwidth({ threads });
const peak = measureIntegerPeak({ threads, ...(flags.isa === undefined ? {} : { isa: flags.isa }) });
console.log(`${backend.description}; reads ${bandwidth.toFixed(1)} GB/s, does ${peak.toFixed(0)} GOP/s of int8\n`);

const cache = new KvCache(model, {
  maxTokens: Math.max(prompt, (context + tokens + 64) * streams) + 64 * (streams + 1),
});

if (prompt > 0) {
  const lines = new LineTable(model.config);
  for (let run = 0; run < 4; run++) {
    const sequence = cache.open();
    const ids = randomPrompt(prompt, 1 + run, vocabSize);
    if (run === 0)
      await step([sequence], [ids]); // pages of the file, and the arena
    else await profiled(lines, [sequence], [ids]);
    sequence.release();
  }
  console.log(`prefill of ${prompt} tokens\n${lines.format(bandwidth, peak)}\n`);
}
if (tokens > 0) {
  const sequences = Array.from({ length: streams }, () => cache.open());
  for (const [i, sequence] of sequences.entries()) {
    const ids = randomPrompt(context, 100 + i, vocabSize);
    for (let at = 0; at < context; at += CHUNK) await step([sequence], [ids.slice(at, at + CHUNK)]);
  }
  const lines = new LineTable(model.config);
  for (let run = 0; run <= tokens; run++) {
    const ids = sequences.map((_, i) => randomPrompt(1, 1000 + run * streams + i, vocabSize));
    if (run === 0) await step(sequences, ids);
    else await profiled(lines, sequences, ids);
  }
  console.log(`decode of ${streams} after ${context} tokens\n${lines.format(bandwidth, peak)}`);
}
cache.dispose();
backend.dispose();
checkpoint.close();

async function step(sequences: readonly Sequence[], ids: readonly (readonly number[])[]): Promise<void> {
  await runStep(
    model,
    cache,
    sequences.map((sequence, i) => ({ sequence, ids: ids[i]!, logits: 'last' as const })),
  );
}

async function profiled(lines: LineTable, sequences: readonly Sequence[], ids: readonly (readonly number[])[]) {
  let ops: readonly OpTime[] = [];
  backend.profile((times) => {
    ops = times;
  });
  const started = performance.now();
  await step(sequences, ids);
  const seconds = (performance.now() - started) / 1000;
  backend.profile(undefined);
  lines.add(ops, seconds);
}
