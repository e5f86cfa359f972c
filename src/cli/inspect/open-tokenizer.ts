import { readFile } from 'node:fs/promises';
import { openCheckpoint } from '../../checkpoint/index.ts';
import {
  type GgufVocabulary,
  o200kHarmony,
  type Tokenizer,
  tokenizerFromGguf,
  tokenizerFromJson,
} from '../../tokenizer/index.ts';
import type { Context } from '../context.ts';
import { locateModel } from '../locate.ts';

/** The tokenizer that a model brings along: tokenizer.json, or the vocabulary inside a GGUF file. Without a model: o200k_harmony. */
export async function openTokenizer(context: Context, model: string | undefined): Promise<Tokenizer> {
  if (model === undefined) return o200kHarmony();
  const { path, layout, tokenizer } = await locateModel(context, model);
  if (tokenizer !== undefined) return tokenizerFromJson(await readFile(tokenizer, 'utf8'));
  if (layout !== 'gguf') return o200kHarmony(); // OpenAI's original layout comes without one
  const checkpoint = await openCheckpoint(path);
  try {
    return tokenizerFromGguf(ggufVocabulary(checkpoint.metadata));
  } finally {
    checkpoint.close();
  }
}

/** The vocabulary among GGUF's key-value pairs. `tokenizerFromGguf` checks every part, so nothing is trusted here. */
function ggufVocabulary(metadata: Readonly<Record<string, unknown>>): GgufVocabulary {
  const get = (key: string): unknown => metadata[`tokenizer.ggml.${key}`];
  return {
    tokens: get('tokens') as GgufVocabulary['tokens'],
    tokenTypes: get('token_type') as GgufVocabulary['tokenTypes'],
    merges: get('merges') as GgufVocabulary['merges'],
    pre: get('pre') as GgufVocabulary['pre'],
  };
}
