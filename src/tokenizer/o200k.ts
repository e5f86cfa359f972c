import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { badVocabulary } from './bad-vocabulary.ts';
import { BpeTokenizer } from './bpe.ts';
import { harmonySpecials } from './harmony-specials.ts';
import { unpackVocabulary } from './packed.ts';
import type { Tokenizer } from './tokenizer.ts';

const DATA = new URL('./data/o200k_base.bin', import.meta.url);

let harmony: Tokenizer | undefined;

/**
 * The tokeniser of gpt-oss, o200k_harmony, from data inside the package. Read on the first call.
 *
 * ```ts
 * o200kHarmony().encode('Hello, world'); // [13225, 11, 2375]
 * ```
 */
export function o200kHarmony(): Tokenizer {
  harmony ??= new BpeTokenizer({ vocabulary: unpackVocabulary(readPacked(DATA)), specials: harmonySpecials() });
  return harmony;
}

/** Throws `tokenizer/bad-vocabulary` where the build has left no data. */
export function readPacked(file: URL): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    const path = fileURLToPath(file);
    throw badVocabulary(`Cannot read the vocabulary of o200k_harmony at "${path}": run \`npm run build\` first`, cause);
  }
}
