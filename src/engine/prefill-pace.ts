/** Steps that compute nothing but prompts shall not take longer: who comes meanwhile, or wants to stop, waits for them. */
const PATIENCE_MS = 3000;
/** Before anything is measured. */
const FIRST = 512;
/** Fewer tokens in a step would read the weights for too little. */
const LEAST = 64;

/**
 * How long the steps of prompts are while nobody decodes: as long as patience allows, by what the last one took. Each expert's
 * weights are decoded once a step, so longer ones are faster: with gpt-oss-20b's shapes on 4 cores 195 tokens/s in steps of 256, 222 in
 * steps of 512, 233 in steps of 1,024.
 */
export class PrefillPace {
  readonly #most: number;
  #tokens: number;

  /** `most`: tokens in a step, however fast. */
  constructor(most: number) {
    this.#most = most;
    this.#tokens = Math.min(FIRST, most);
  }

  /** Tokens of the next step. */
  get tokens(): number {
    return this.#tokens;
  }

  /** A step of prompts alone. Short ones say little of long ones. */
  took(tokens: number, ms: number): void {
    if (tokens < LEAST) return;
    const fitting = (PATIENCE_MS * tokens) / Math.max(ms, 0.001);
    const powerOfTwo = 2 ** Math.floor(Math.log2(Math.max(LEAST, fitting)));
    this.#tokens = Math.min(this.#most, powerOfTwo);
  }
}
