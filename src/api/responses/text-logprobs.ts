import type { ChatEvent } from '../../chat/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import type { Logprob } from './items.ts';

type TokenEvent = Extract<ChatEvent, { type: 'token' }>;

/** Which of the sampled tokens make up the text: those between a header and the end of a message, until they are shown. */
export class TextLogprobs {
  readonly #tokenizer: Tokenizer;
  readonly #names: ReadonlyMap<number, string>;
  #isInBody = false;
  #pending: Logprob[] = [];

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#names = new Map([...tokenizer.specials].map(([name, id]) => [id, name]));
  }

  push({ id, logprob, top = [] }: TokenEvent): void {
    const control = this.#names.get(id);
    if (control !== undefined) {
      this.#isInBody = control === '<|message|>';
      if (this.#isInBody) this.#pending = [];
    } else if (this.#isInBody) {
      const others = top.map((other) => ({ ...this.#token(other.id), logprob: other.logprob }));
      this.#pending.push({ ...this.#token(id), logprob, top_logprobs: others });
    }
  }

  /** Those of the text that has just been shown. */
  take(): Logprob[] {
    const taken = this.#pending;
    this.#pending = [];
    return taken;
  }

  #token(id: number): Pick<Logprob, 'token' | 'bytes'> {
    return { token: this.#tokenizer.decode([id]), bytes: [...this.#tokenizer.tokenBytes(id)] };
  }
}
