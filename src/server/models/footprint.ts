import { openCheckpoint } from '../../checkpoint/index.ts';
import { KV_BLOCK, type ModelConfig, readConfig } from '../../model/index.ts';
import { tooLarge } from './refusals.ts';

/** Bytes of a key or a value in the cache of the `cpu` backend. */
const KV_VALUE_BYTES = 2;
/** A model whose context would have to be shorter than this to fit is refused. */
const SHORTEST_CONTEXT = 4096;

/** What a model will take once it is loaded. */
export interface Footprint {
  /** Mapped weights count: the model is only fast while they stay in memory. */
  readonly weightsBytes: number;
  readonly kvBytes: number;
  /** Tokens that the cache is for. */
  readonly context: number;
}

/**
 * Reads headers to say what a model takes. Where no `context` is asked for, it is the model's longest, or what `maxBytes` leave
 * room for. Throws `server/model-too-large`, `checkpoint/…`.
 */
export async function measureModel(
  name: string,
  path: string,
  { context, maxBytes }: { readonly context: number | undefined; readonly maxBytes: number },
): Promise<Footprint> {
  const checkpoint = await openCheckpoint(path);
  try {
    const config = readConfig(checkpoint);
    const weightsBytes = checkpoint.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const wanted = context ?? Math.min(config.maxContextLength, contextThatFits(config, maxBytes - weightsBytes));
    const least = context ?? Math.min(config.maxContextLength, SHORTEST_CONTEXT);
    const needed = weightsBytes + kvBytes(config, Math.max(wanted, least));
    if (wanted < least || needed > maxBytes) throw tooLarge(name, needed, maxBytes);
    return { weightsBytes, kvBytes: kvBytes(config, wanted), context: wanted };
  } finally {
    checkpoint.close();
  }
}

type Sizes = Pick<ModelConfig, 'windows' | 'numKeyValueHeads' | 'headDim'>;

/** What the KV cache may grow to: whole blocks of every layer, since many short sequences fill the windowed ones too. */
function kvBytes(config: Sizes, context: number): number {
  return Math.ceil(context / KV_BLOCK) * blockBytes(config);
}

/** Whole blocks. */
function contextThatFits(config: Sizes, bytes: number): number {
  return Math.max(0, Math.floor(bytes / blockBytes(config))) * KV_BLOCK;
}

/** A block of all layers, keys and values. */
function blockBytes({ windows, numKeyValueHeads, headDim }: Sizes): number {
  return KV_BLOCK * windows.length * 2 * numKeyValueHeads * headDim * KV_VALUE_BYTES;
}
