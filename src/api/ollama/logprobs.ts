import type { ChatEvent, LoadedModel } from '../../chat/index.ts';

type TokenEvent = Extract<ChatEvent, { readonly type: 'token' }>;

interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
}

export interface Logprob extends TokenLogprob {
  readonly top_logprobs?: readonly TokenLogprob[];
}

/**
 * Gathers the tokens of thoughts, answer and arguments for the line that they go out with; headers and control tokens are nobody's,
 * unless all is shown as it is.
 */
export class Logprobs {
  readonly #tokenizer: LoadedModel['tokenizer'];
  readonly #controls: ReadonlyMap<number, string>;
  #waiting: Logprob[] = [];
  /** A turn begins inside a header. */
  #inBody: boolean;

  constructor(tokenizer: LoadedModel['tokenizer'], isRaw: boolean) {
    this.#tokenizer = tokenizer;
    this.#controls = new Map(isRaw ? [] : [...tokenizer.specials].map(([name, id]) => [id, name]));
    this.#inBody = isRaw;
  }

  push({ id, logprob, top = [] }: TokenEvent): void {
    const control = this.#controls.get(id);
    if (control !== undefined) this.#inBody = control === '<|message|>';
    else if (this.#inBody) {
      const alternatives = top.map((each) => this.#describe(each));
      this.#waiting.push({
        ...this.#describe({ id, logprob }),
        ...(alternatives.length === 0 ? {} : { top_logprobs: alternatives }),
      });
    }
  }

  /** Those that came since the last call, as a field of a line. */
  take(): { readonly logprobs?: readonly Logprob[] } {
    const logprobs = this.#waiting;
    this.#waiting = [];
    return logprobs.length === 0 ? {} : { logprobs };
  }

  #describe({ id, logprob }: { readonly id: number; readonly logprob: number }): TokenLogprob {
    const bytes = this.#tokenizer.tokenBytes(id);
    return { token: new TextDecoder().decode(bytes), logprob, bytes: [...bytes] };
  }
}
