import type { Command } from 'commander';
import { type Checkpoint, type ModelConfig, openCheckpoint, type ResolvedModel, readConfig } from '../../index.ts';
import type { Context } from '../context.ts';
import { CONTEXTS, KV_VALUE_BYTES } from '../doctor/report.ts';
import { bytesPerToken, kvBytes, weightBytes } from '../doctor/sizing.ts';
import { bytes, grouped, table } from '../format.ts';
import { sumByDtype } from '../inspect/checkpoint.ts';
import { locateModel } from '../locate.ts';

export function addShow(program: Command, context: Context): void {
  program
    .command('show')
    .description('say what a model is: its configuration, its tensors, and the memory that it needs')
    .argument('[model]', 'path or name', context.defaultModel)
    .option('--json', 'print one JSON object')
    .action(async (name: string, flags: { readonly json?: boolean }) => {
      const { out } = context.terminal;
      const located = await locateModel(context, name);
      const checkpoint = await openCheckpoint(located.path);
      try {
        const summary = summarize(located, checkpoint, readConfig(checkpoint));
        if (flags.json) out.line(JSON.stringify(summary));
        else for (const line of render(summary)) out.line(line);
      } finally {
        checkpoint.close();
      }
    });
}

type Summary = ReturnType<typeof summarize>;

function summarize(located: ResolvedModel, checkpoint: Checkpoint, config: ModelConfig) {
  const needs = (['bf16', 'q8'] as const).map((dense) => ({
    dense,
    weightBytes: weightBytes(config, dense),
    bytesPerToken: bytesPerToken(config, dense),
    contexts: CONTEXTS.filter((tokens) => tokens <= config.maxContextLength).map((tokens) => ({
      tokens,
      kvBytes: kvBytes(config, tokens, KV_VALUE_BYTES),
    })),
  }));
  const tensors = [...checkpoint.tensors.values()];
  return {
    name: located.name,
    origin: located.origin,
    path: located.path,
    layout: checkpoint.layout,
    tokenizer: located.tokenizer ?? (checkpoint.layout === 'gguf' ? 'inside the file' : 'o200k_harmony of the package'),
    mapped: checkpoint.mapped,
    config,
    files: checkpoint.files,
    tensors: tensors.length,
    dtypes: sumByDtype(tensors),
    needs,
  };
}

function* render({ config: c, ...model }: Summary): Generator<string> {
  const size = model.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const sliding = c.windows.filter((window) => window > 0).length;
  yield* table([
    ['name', `${model.name} (${model.origin})`],
    ['path', model.path],
    ['layout', `${model.layout}, ${model.files.length} ${model.files.length === 1 ? 'file' : 'files'}, ${bytes(size)}`],
    ['tokenizer', model.tokenizer],
    ['layers', `${c.numLayers}, ${sliding} of them with a window of ${c.slidingWindow}`],
    ['experts', `${c.numExperts} a layer, ${c.expertsPerToken} a token, width ${c.intermediateSize}`],
    ['hidden size', String(c.hiddenSize)],
    ['attention', `${c.numAttentionHeads} query heads, ${c.numKeyValueHeads} key/value heads, ${c.headDim} wide`],
    ['vocabulary', grouped(c.vocabSize)],
    ['context', `${grouped(c.maxContextLength)} tokens`],
    [
      'tensors',
      Object.entries(model.dtypes)
        .map(([dtype, sum]) => `${sum.tensors} ${dtype} (${bytes(sum.bytes)})`)
        .join(', '),
    ],
  ]);
  yield '';
  const head = ['memory', 'weights', ...CONTEXTS.map((tokens) => `KV at ${grouped(tokens)}`), 'read per token'];
  const rows = model.needs.map(({ dense, weightBytes, contexts, bytesPerToken }) => [
    dense === 'q8' ? 'dense 8-bit' : 'dense bf16',
    bytes(weightBytes),
    ...CONTEXTS.map((_, i) => (contexts[i] ? bytes(contexts[i].kvBytes) : '-')),
    bytes(bytesPerToken),
  ]);
  yield* table([head, ...rows], [1, 2, 3, 4, 5]);
}
