/** A loop whose round is longer than this goes unnoticed; a budget ends it. */
const MAX_PERIOD = 512;
/** Tokens that repeat what stood one round before. Lists and tables of a few equal lines stay far below. */
const MIN_REPEATED = 256;
/** Rounds that repeat the first one. */
const MIN_ROUNDS = 3;
/** Tokens between two looks: a look compares each period once, so one token in sixteen pays for all. */
const STRIDE = 16;
/** What the longest period needs: its first round, the rounds that repeat it, and a stride. */
const CAPACITY = 4096;

/**
 * Notices when a text goes in circles: when its last tokens repeat, without the slightest change, what stood one period
 * before, for 256 tokens and three rounds at least, at any period up to 512. A text that counts something up, varies a word or
 * lists similar lines differs once a round and never gets there. What it says depends on the ids alone, so that whoever reads
 * the same ids knows where it struck.
 */
export class LoopDetector {
  readonly #ids = new Int32Array(CAPACITY); // the last ones, in a ring
  #count = 0;

  /** Takes the next id of the text; true when the text up to it is a loop. */
  push(id: number): boolean {
    this.#ids[this.#count++ % CAPACITY] = id;
    return this.#count % STRIDE === 0 && this.#count > MIN_REPEATED && this.#isLoop();
  }

  #isLoop(): boolean {
    const longest = Math.min(MAX_PERIOD, Math.floor(this.#count / (MIN_ROUNDS + 1)));
    for (let period = 1; period <= longest; period++) {
      if (this.#repeats(period, Math.max(MIN_REPEATED, MIN_ROUNDS * period))) return true;
    }
    return false;
  }

  /** Whether each of the last `length` ids stood one period before. */
  #repeats(period: number, length: number): boolean {
    if (length + period > this.#count) return false;
    for (let at = this.#count - 1; at >= this.#count - length; at--) {
      if (this.#ids[at % CAPACITY] !== this.#ids[(at - period) % CAPACITY]) return false;
    }
    return true;
  }
}

/** Whether the detector strikes at the last of these ids, and not before. */
export function endsInLoop(ids: readonly number[]): boolean {
  const detector = new LoopDetector();
  return ids.findIndex((id) => detector.push(id)) === ids.length - 1 && ids.length > 0;
}
