import type { PrefillBudget } from './plan.ts';

/** How many prompt tokens the steps of a kind compute, and how long these may take. */
interface Pace {
  /** Before anything is measured. */
  readonly first: number;
  readonly patienceMs: number;
}

/** Nobody decodes: who comes meanwhile, or wants to stop, waits for the step. */
const ALONE: Pace = { first: 512, patienceMs: 3000 };
/** Others wait for their next token. */
const BESIDE_DECODE: Pace = { first: 32, patienceMs: 1600 };
/** Fewer tokens in a step would read the weights for too little. */
const LEAST = 32;

/**
 * How long the pieces of prompts are: as long as patience allows, by what earlier steps took. Longer ones are faster, because a step
 * reads and decodes the weights of an expert once. With gpt-oss-20b's shapes on 4 cores: 195 tokens/s in pieces of 256, 222 in pieces
 * of 512, 233 in pieces of 1,024; beside a stream, a step of 33 tokens takes 0.7 s, one of 129 takes 0.9 s.
 */
export class PrefillPace {
  readonly #alone: PieceLength;
  readonly #besideDecode: PieceLength;

  constructor(most: PrefillBudget) {
    this.#alone = new PieceLength(ALONE, most.alone);
    this.#besideDecode = new PieceLength(BESIDE_DECODE, most.besideDecode);
  }

  /** Of the next step. */
  get budget(): PrefillBudget {
    return { alone: this.#alone.tokens, besideDecode: this.#besideDecode.tokens };
  }

  /** A step that computed so many tokens of prompts. */
  took(tokens: number, ms: number, besideDecode: boolean): void {
    (besideDecode ? this.#besideDecode : this.#alone).took(tokens, ms);
  }
}

class PieceLength {
  tokens: number;
  readonly #patienceMs: number;
  readonly #most: number;

  constructor({ first, patienceMs }: Pace, most: number) {
    this.tokens = Math.min(first, most);
    this.#patienceMs = patienceMs;
    this.#most = most;
  }

  took(tokens: number, ms: number): void {
    if (ms > this.#patienceMs && tokens > LEAST) {
      const fitting = 2 ** Math.floor(Math.log2((tokens * this.#patienceMs) / ms));
      this.tokens = Math.min(this.#most, Math.max(LEAST, fitting));
    } else if (2 * ms <= this.#patienceMs && tokens >= this.tokens) {
      this.tokens = Math.min(this.#most, 2 * this.tokens);
    }
  }
}
