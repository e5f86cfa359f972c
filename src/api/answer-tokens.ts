import type { ChatEvent } from '../chat/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

/** A token of the answer as OpenAI reports it: `bytes` are exact also where a token is half a character, and `token` then is not. */
export interface TokenLogprob extends Alternative {
  readonly top_logprobs: readonly Alternative[];
}

interface Alternative {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
}

type TokenEvent = Extract<ChatEvent, { type: 'token' }>;

/**
 * Finds the tokens that a text of the answer is made of. Text comes later than its tokens (half characters and beginnings of stop
 * texts are held back) and may end inside one, so bytes are counted: from the end, back to the message's header.
 */
export class AnswerTokens {
  readonly #tokenizer: Tokenizer;
  readonly #controls: ReadonlySet<number>;
  /** Tokens that no text has accounted for, since the last text. */
  #pending: TokenEvent[] = [];

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#controls = new Set(tokenizer.specials.values());
  }

  /** Takes every event of a turn; for a text of the answer gives its new tokens, in order. */
  push(event: ChatEvent): readonly TokenLogprob[] {
    if (event.type === 'token') this.#pending.push(event);
    else if (event.type === 'text') return this.#take(Buffer.byteLength(event.delta));
    else this.#pending = [];
    return [];
  }

  #take(bytes: number): TokenLogprob[] {
    while (this.#controls.has(this.#pending.at(-1)?.id ?? -1)) this.#pending.pop(); // the message's end, before its last text
    const taken: TokenLogprob[] = [];
    let missing = bytes;
    while (missing > 0) {
      const event = this.#pending.pop();
      if (event === undefined || this.#controls.has(event.id)) break;
      const { id, logprob, top = [] } = event;
      const token = this.#report(id, logprob);
      missing -= token.bytes.length;
      const others = top.filter((other) => !this.#controls.has(other.id));
      taken.unshift({ ...token, top_logprobs: others.map((other) => this.#report(other.id, other.logprob)) });
    }
    this.#pending = [];
    return taken;
  }

  #report(id: number, logprob: number): Alternative {
    const bytes = [...this.#tokenizer.tokenBytes(id)];
    return { token: this.#tokenizer.decode([id]), logprob: finite(logprob), bytes };
  }
}

/** JSON knows no −∞; OpenAI writes −9999 for what cannot come. */
export function finite(logprob: number): number {
  return Math.max(logprob, -9999);
}
