import { StringDecoder } from 'node:string_decoder';
import type { TokenLogprob } from '../answer-tokens.ts';

/** Logprobs in the form before Chat Completions: four lists side by side. */
export interface LegacyLogprobs {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly number[];
  readonly top_logprobs: readonly Readonly<Record<string, number>>[] | null;
  /** Where each token begins in the text, in UTF-16 units as JavaScript counts them. */
  readonly text_offset: readonly number[];
}

/** Writes the tokens of one text down, piece by piece. */
export class LegacyLogprobsWriter {
  readonly #withTop: boolean;
  readonly #decoder = new StringDecoder('utf8');
  #offset = 0;

  constructor(topLogprobs: number) {
    this.#withTop = topLogprobs > 0;
  }

  write(tokens: readonly TokenLogprob[]): LegacyLogprobs {
    const offsets = tokens.map(({ bytes }) => {
      const start = this.#offset;
      this.#offset += this.#decoder.write(Buffer.from(bytes)).length;
      return start;
    });
    return {
      tokens: tokens.map(nameOf),
      token_logprobs: tokens.map(({ logprob }) => logprob),
      top_logprobs: this.#withTop ? tokens.map(topOf) : null,
      text_offset: offsets,
    };
  }
}

function topOf(token: TokenLogprob): Record<string, number> {
  return Object.fromEntries([token, ...token.top_logprobs].map((one) => [nameOf(one), one.logprob]));
}

/** A token that is no text of its own is told by its bytes, as OpenAI does: `bytes:\xe2\x82`. */
function nameOf({ token, bytes }: Pick<TokenLogprob, 'token' | 'bytes'>): string {
  if (Buffer.compare(Buffer.from(token), Buffer.from(bytes)) === 0) return token;
  return `bytes:${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;
}
