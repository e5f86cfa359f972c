import { fewestTokens, TokenTable } from '../../grammar/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { type ControlIds, controlIds } from '../format.ts';

/** What constraints need of a vocabulary, made once and shared by all turns. */
export interface TurnVocabulary {
  readonly tokenizer: Tokenizer;
  readonly table: TokenTable;
  readonly control: ControlIds;
  /** Every ordinary token: what may come in free text. [⌈vocab / 32⌉] */
  readonly ordinary: Uint32Array;
  /** Tokens of `<|start|>assistant`, and of a thought or preamble of one token from there to its end. */
  readonly sizes: { readonly opening: number; readonly message: number };
  /** The bytes of an ordinary token; undefined for control tokens and for ids that stand for nothing. */
  bytesOf(id: number): Uint8Array | undefined;
}

/**
 * `vocabSize` is the number of logits, which may differ from the tokenizer's own size: padding is never allowed, and a
 * token without a logit cannot be. Throws `tokenizer/bad-vocabulary` when a control token is missing.
 */
export function turnVocabulary(tokenizer: Tokenizer, vocabSize: number): TurnVocabulary {
  const control = controlIds(tokenizer);
  const specials = new Set(tokenizer.specials.values());
  const bytesOf = (id: number): Uint8Array | undefined => {
    if (specials.has(id) || id >= tokenizer.vocabSize) return undefined;
    try {
      const bytes = tokenizer.tokenBytes(id);
      return bytes.length > 0 ? bytes : undefined;
    } catch {
      return undefined; // a gap in the vocabulary
    }
  };
  const ordinary = new Uint32Array(Math.ceil(vocabSize / 32));
  for (let id = 0; id < vocabSize; id++) if (bytesOf(id) !== undefined) allow(ordinary, id);
  const table = new TokenTable(bytesOf, vocabSize);
  const sizeOf = (word: string) => fewestTokens(table, new TextEncoder().encode(word));
  const opening = 1 + sizeOf('assistant');
  const channel = Math.max(sizeOf('analysis'), sizeOf('commentary'));
  const sizes = { opening, message: opening + 2 + channel + 2 }; // <|channel|>, <|message|>; a token, <|end|>
  return { tokenizer, table, control, ordinary, sizes, bytesOf };
}

/** Adds one id to a mask: bit id % 32 of word ⌊id / 32⌋. */
export function allow(mask: Uint32Array, id: number): void {
  mask[id >>> 5]! |= 1 << (id & 31);
}
