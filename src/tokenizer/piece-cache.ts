import { hashBytes } from './hash.ts';

/** Longer pieces, or such of more tokens, come too seldom to keep. */
const MAX_BYTES = 48;
const MAX_TOKENS = 16;

/**
 * The tokens of words that are none themselves, as most names and many words of other scripts, since a text has them again
 * and again: that doubles the speed there. Each piece has one place, by its hash, and a new one takes it: two megabytes at
 * most, and nothing to clean up.
 */
export class PieceCache {
  readonly #mask: number;
  readonly #numBytes: Uint8Array; //  [slots], 0 where free
  readonly #bytes: Uint8Array; //     [slots, MAX_BYTES]
  readonly #numTokens: Uint8Array; // [slots]
  readonly #tokens: Int32Array; //    [slots, MAX_TOKENS]

  /** numSlots  a power of two */
  constructor(numSlots = 16_384) {
    this.#mask = numSlots - 1;
    this.#numBytes = new Uint8Array(numSlots);
    this.#bytes = new Uint8Array(numSlots * MAX_BYTES);
    this.#numTokens = new Uint8Array(numSlots);
    this.#tokens = new Int32Array(numSlots * MAX_TOKENS);
  }

  /** Appends the piece's tokens to `out`, or returns false if they are not here. */
  recall(text: Uint8Array, start: number, end: number, out: number[]): boolean {
    const length = end - start;
    if (length > MAX_BYTES) return false;
    const slot = hashBytes(text, start, end) & this.#mask;
    if (this.#numBytes[slot] !== length) return false;
    for (let i = 0, key = slot * MAX_BYTES; i < length; i++) {
      if (this.#bytes[key + i] !== text[start + i]) return false;
    }
    const first = slot * MAX_TOKENS;
    const last = first + this.#numTokens[slot]!;
    for (let i = first; i < last; i++) out.push(this.#tokens[i]!);
    return true;
  }

  /** Keeps the piece with its tokens, which are those of `ids` from `from` on. */
  store(text: Uint8Array, start: number, end: number, ids: readonly number[], from: number): void {
    const length = end - start;
    const numTokens = ids.length - from;
    if (length > MAX_BYTES || numTokens > MAX_TOKENS) return;
    const slot = hashBytes(text, start, end) & this.#mask;
    this.#numBytes[slot] = length;
    for (let i = 0, key = slot * MAX_BYTES; i < length; i++) this.#bytes[key + i] = text[start + i]!;
    this.#numTokens[slot] = numTokens;
    for (let i = 0, first = slot * MAX_TOKENS; i < numTokens; i++) this.#tokens[first + i] = ids[from + i]!;
  }
}
