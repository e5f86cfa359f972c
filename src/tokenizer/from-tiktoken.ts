import { badVocabulary, shown } from './bad-vocabulary.ts';
import { BpeTokenizer } from './bpe.ts';
import { harmonySpecials, O200K_SIZE } from './harmony-specials.ts';
import type { Tokenizer } from './tokenizer.ts';
import { MAX_SIZE, Vocabulary } from './vocabulary.ts';

const LINE = /^([A-Za-z0-9+/]+={0,2}) (\d+)\r?$/;

/**
 * A tokeniser from a `.tiktoken` file: a line for each token, its bytes in base64 and its rank, which is its id.
 *
 * specials  control tokens by name. Left out: o200k_harmony's, if the file has as many ranks as o200k_base, else none
 *
 * Throws `tokenizer/bad-vocabulary`.
 */
export function tokenizerFromTiktoken(bytes: Uint8Array, specials?: Readonly<Record<string, number>>): Tokenizer {
  const tokens = tokensByRank(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
  const offsets = new Uint32Array(tokens.length + 1);
  tokens.forEach((token, rank) => {
    offsets[rank + 1] = offsets[rank]! + token.length;
  });
  const vocabulary = new Vocabulary(Buffer.concat(tokens), offsets);
  const defaults = tokens.length === O200K_SIZE ? harmonySpecials() : new Map<string, number>();
  const named = specials === undefined ? defaults : new Map(Object.entries(specials));
  for (const [name, id] of named) {
    if (name === '' || !Number.isInteger(id) || id < tokens.length) {
      throw badVocabulary(
        `Expected control tokens with ids from ${tokens.length} on, found ${shown(name)}: ${shown(id)}`,
      );
    }
  }
  return new BpeTokenizer({ vocabulary, specials: named });
}

/** Ranks may come in any order, but must count up from 0 without a gap. */
function tokensByRank(text: string): Buffer[] {
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.length > MAX_SIZE) throw badVocabulary(`Expected at most ${MAX_SIZE} ranks, found ${lines.length}`);
  const tokens = new Array<Buffer | undefined>(lines.length).fill(undefined);
  for (const line of lines) {
    const [, base64, digits] = LINE.exec(line) ?? [];
    const rank = Number(digits);
    if (base64 === undefined || rank >= lines.length || tokens[rank] !== undefined) {
      throw badVocabulary(
        `Expected a token in base64 and its rank, below ${lines.length} and once, found ${shown(line)}`,
      );
    }
    tokens[rank] = Buffer.from(base64, 'base64');
  }
  return tokens as Buffer[]; // as many ranks as places, none twice
}
