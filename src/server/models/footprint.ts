import { type KvBits, kvRowBytes } from '../../backends/index.ts';
import { type Checkpoint, openCheckpoint } from '../../checkpoint/index.ts';
import { maxWindowBlocks, type SchedulerOptions } from '../../engine/index.ts';
import { KV_BLOCK, type ModelConfig, readConfig } from '../../model/index.ts';
import { tooLarge } from './refusals.ts';

/** A model whose context would have to be shorter than this to fit is refused. */
const SHORTEST_CONTEXT = 4096;

/** What a model will take once it is loaded. */
export interface Footprint {
  /** Mapped weights count: the model is only fast while they stay in memory. */
  readonly weightsBytes: number;
  readonly kvBytes: number;
  readonly context: number;
}

export interface FootprintOptions extends SchedulerOptions {
  /** Tokens of prompt and answer together. Default: the model's longest context, or what memory leaves room for. */
  readonly context?: number;
  /** Tokens of all sequences and kept prefixes. Default: `context`. */
  readonly cacheTokens?: number;
  /** Bits of a key or a value. Default 16. */
  readonly kvBits?: KvBits;
}

/** Reads headers to say what a model takes. Throws `server/model-too-large`, `checkpoint/…`. */
export async function measureModel(
  name: string,
  path: string,
  options: FootprintOptions,
  maxBytes: number,
): Promise<Footprint> {
  const checkpoint = await openCheckpoint(path);
  try {
    const footprint = footprintOf(checkpoint, readConfig(checkpoint), options, maxBytes);
    const needed = footprint.weightsBytes + footprint.kvBytes;
    if (needed > maxBytes) throw tooLarge(name, needed, maxBytes);
    return footprint;
  } finally {
    checkpoint.close();
  }
}

/** The same of a model that is open; it may be more than there is. */
export function footprintOf(
  { files }: Pick<Checkpoint, 'files'>,
  config: ModelConfig,
  options: FootprintOptions,
  maxBytes: number,
): Footprint {
  const weightsBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const kvBytes = (context: number) => kvCapacity(config, options.cacheTokens ?? context, options);
  const context = options.context ?? contextThatFits(config.maxContextLength, maxBytes - weightsBytes, kvBytes);
  return { weightsBytes, kvBytes: kvBytes(context), context };
}

type Sizes = Pick<ModelConfig, 'windows' | 'numKeyValueHeads' | 'headDim'>;

/** What the KV cache of the `cpu` backend with so many positions may grow to. */
function kvCapacity({ windows, numKeyValueHeads, headDim }: Sizes, tokens: number, options: FootprintOptions): number {
  const capacity = Math.ceil(tokens / KV_BLOCK);
  const shape = { capacity, blockSize: KV_BLOCK, window: Math.max(0, ...windows) };
  const sliding = windows.filter((window) => window > 0).length;
  const blocks = (windows.length - sliding) * capacity + sliding * maxWindowBlocks(shape, options);
  return blocks * KV_BLOCK * 2 * numKeyValueHeads * kvRowBytes(headDim, options.kvBits ?? 16);
}

/** The longest context, in whole blocks, whose cache fits; at least the shortest one worth having, be it too much. */
function contextThatFits(longest: number, bytes: number, kvBytes: (context: number) => number): number {
  if (kvBytes(longest) <= bytes) return longest;
  const [least, most] = [Math.min(longest, SHORTEST_CONTEXT), Math.floor(longest / KV_BLOCK)];
  let [fits, tooMany] = [Math.floor(least / KV_BLOCK), most + 1];
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    if (kvBytes(middle * KV_BLOCK) <= bytes) fits = middle;
    else tooMany = middle;
  }
  return Math.max(least, fits * KV_BLOCK);
}
