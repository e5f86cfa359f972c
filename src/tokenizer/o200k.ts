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
  harmony ??= new BpeTokenizer({ vocabulary: unpackVocabulary(readData()), specials: specialsWithAlias() });
  return harmony;
}

/** o200k_base calls 200018 `<|endofprompt|>`; here that is its second name. */
function specialsWithAlias(): Map<string, number> {
  return harmonySpecials().set('<|endofprompt|>', 200_018);
}

function readData(): Uint8Array {
  try {
    return readFileSync(DATA);
  } catch (cause) {
    const message = `Cannot read the vocabulary of o200k_harmony at "${fileURLToPath(DATA)}": run \`npm run build\``;
    throw badVocabulary(message, cause);
  }
}
