import { badVocabulary, shown } from './bad-vocabulary.ts';
import { BpeTokenizer } from './bpe.ts';
import { byteLevelVocabulary } from './byte-level.ts';
import { completeSpecials } from './harmony-specials.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The values under `tokenizer.ggml.` of a GGUF file. */
export interface GgufVocabulary {
  /** `tokens`: by id, ordinary ones in byte-level text. */
  readonly tokens: readonly string[];
  /** `token_type`: 1 ordinary, 3 control, 4 defined by the user, 5 unused. */
  readonly tokenTypes: ArrayLike<number>;
  /** `merges`: `left right`, lowest rank first. */
  readonly merges: readonly string[];
  /** `pre`: the name of the pattern. Ollama's files have none, or `default`: taken for o200k's, as gpt-oss has no other. */
  readonly pre?: string | undefined;
}

const ORDINARY = 1;
const UNUSED = 5;

/** llama.cpp fills up to the size of the logits with unused `[PAD200019]`, Ollama with user-defined `[PAD0]`. */
const PADDING = /^\[PAD\d+\]$/;

const PATTERNS: readonly (string | undefined)[] = [undefined, '', 'default', 'gpt-4o'];

/**
 * A tokeniser from the metadata of a GGUF file, llama.cpp's or Ollama's. Tokens of any type but the ordinary one are control
 * tokens here: text never becomes one.
 *
 * Throws `tokenizer/bad-vocabulary`.
 */
export function tokenizerFromGguf({ tokens, tokenTypes, merges, pre }: GgufVocabulary): Tokenizer {
  if (!PATTERNS.includes(pre)) {
    throw badVocabulary(`Expected tokenizer.ggml.pre to be "gpt-4o" or missing, found ${shown(pre)}`);
  }
  if (!Array.isArray(tokens) || !Array.isArray(merges) || tokenTypes?.length !== tokens.length) {
    const found = `${tokens?.length ?? 'no'} tokens, ${tokenTypes?.length ?? 'no'} types, ${merges?.length ?? 'no'} merges`;
    throw badVocabulary(`Expected lists of tokens, of as many token types, and of merges, found ${found}`);
  }
  const ordinary: (string | undefined)[] = [];
  const specials = new Map<string, number>();
  tokens.forEach((token: unknown, id) => {
    if (typeof token !== 'string' || token === '') throw badVocabulary(`Token ${id} is no text: ${shown(token)}`);
    const type = tokenTypes[id];
    if (type === ORDINARY) {
      ordinary[id] = token; // leaves undefined where the control tokens are
      return;
    }
    const name = type === UNUSED || PADDING.test(token) ? `<|reserved_${id}|>` : token;
    const other = specials.get(name);
    if (other !== undefined) throw badVocabulary(`Control tokens ${other} and ${id} are both ${shown(name)}`);
    specials.set(name, id);
  });
  const vocabulary = byteLevelVocabulary(Array.from(ordinary), merges);
  return new BpeTokenizer({ vocabulary, specials: completeSpecials(vocabulary.size, specials) });
}
