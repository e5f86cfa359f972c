import type { Command } from 'commander';
import { type Checkpoint, type ModelConfig, openCheckpoint, type ResolvedModel, readConfig } from '../../index.ts';
import { bytesPerToken, fileBytesPerToken, kvBytes, weightBytes } from '../../server/index.ts';
import type { Context } from '../context.ts';
import { CONTEXTS, kvValueBytes } from '../doctor/report.ts';
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
  const tensors = [...checkpoint.tensors.values()];
  const kept = {
    dense: 'keep',
    weightBytes: tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    bytesPerToken: fileBytesPerToken(config, tensors),
  };
  const q8 = { dense: 'q8', weightBytes: weightBytes(config, 'q8'), bytesPerToken: bytesPerToken(config, 'q8') };
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
    memory: q8.bytesPerToken < kept.bytesPerToken ? [kept, q8] : [kept],
    contexts: CONTEXTS.filter((tokens) => tokens <= config.maxContextLength).map((tokens) => ({
      tokens,
      kvBytes: kvBytes(config, tokens, kvValueBytes(config, 16)),
      kvBytes8: kvBytes(config, tokens, kvValueBytes(config, 8)),
    })),
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
  const rows = model.memory.map(({ dense, weightBytes, bytesPerToken }) => [
    dense === 'keep' ? 'weights as they are' : 'weights with --dense q8',
    bytes(weightBytes),
    `${bytes(bytesPerToken)} read per token`,
  ]);
  const caches = model.contexts.map(({ tokens, kvBytes, kvBytes8 }) => [
    `KV cache of ${grouped(tokens)} tokens`,
    bytes(kvBytes),
    `${bytes(kvBytes8)} with --kv-bits 8`,
  ]);
  yield* table([...rows, ...caches], [1]);
}
