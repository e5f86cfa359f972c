import { o200kHarmony, openCheckpoint, openTokenizer, type Tokenizer } from '../../index.ts';
import type { Context } from '../context.ts';
import { locateModel } from '../locate.ts';

/** The tokenizer of a model, without its weights. Without a model: o200k_harmony, from data inside the package. */
export async function tokenizerOf(context: Context, model: string | undefined): Promise<Tokenizer> {
  if (model === undefined) return o200kHarmony();
  const { path } = await locateModel(context, model);
  const checkpoint = await openCheckpoint(path, { map: false });
  try {
    return openTokenizer(checkpoint);
  } finally {
    checkpoint.close();
  }
}
