import type { ChatEvent } from '../../chat/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { TokenTexts } from './token-text.ts';
import type { OutputToken } from './types.ts';

type Band = OutputToken['channel'];

/** `comment` is a token, and the beginning of the one channel that is two. */
const CHANNEL = /^\s*(?:(analysis|final)|comment(?:ary)?)(?![a-z])/;

/** Reads the tokens of one turn, from right behind `<|start|>assistant`. */
export class OutputTokens {
  readonly #texts: TokenTexts;
  /** What stands behind `<|channel|>` in the header that is open. */
  #name: string | undefined;
  #band: Band = 'header';

  constructor(tokenizer: Tokenizer) {
    this.#texts = new TokenTexts(tokenizer);
  }

  push({ id, logprob, entropy, top = [], forced }: ChatEvent & { readonly type: 'token' }): OutputToken {
    return {
      ...this.#texts.of(id),
      channel: this.#bandOf(id),
      probability: probability(logprob),
      ...(entropy === undefined ? {} : { entropy: rounded(entropy) }),
      top: top.map((other) => ({ ...this.#texts.of(other.id), probability: probability(other.logprob) })),
      ...(forced ? { forced } : {}),
    };
  }

  #bandOf(id: number): Band {
    switch (this.#texts.control(id)) {
      case undefined:
        return this.#read(this.#texts.of(id).text);
      case '<|start|>':
        return this.#open(undefined);
      case '<|channel|>':
        return this.#open('');
      case '<|message|>':
        if (this.#band === 'header') this.#band = 'final'; // a message of no known channel is read as an answer
        return this.#band;
      case '<|constrain|>':
        return this.#band;
      default:
        return this.#close();
    }
  }

  /** Text of a header, until it has named its channel; then of anything. */
  #read(text: string): Band {
    if (this.#name === undefined || this.#band !== 'header') return this.#band;
    this.#name += text;
    const found = CHANNEL.exec(this.#name);
    if (found) this.#band = (found[1] as 'analysis' | 'final' | undefined) ?? 'commentary';
    return this.#band;
  }

  #open(name: string | undefined): Band {
    this.#name = name;
    this.#band = 'header';
    return this.#band;
  }

  /** The token that ends a message belongs to it. */
  #close(): Band {
    const band = this.#band;
    this.#open(undefined);
    return band;
  }
}

/** −∞ is 0, and rounding makes no more than 1. JSON knows no others. */
function probability(logprob: number): number {
  return rounded(Math.min(1, Math.exp(logprob)));
}

/** More digits than the arithmetic has would only make the stream longer. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}
