import { badVocabulary } from './bad-vocabulary.ts';
import { hashBytes } from './hash.ts';

/** Five times o200k: more than any vocabulary needs, and ranks must fit the queue of merges (see merge.ts). */
export const MAX_SIZE = 2 ** 20;

/** The rank of a token that no merge makes: only a whole piece becomes it. */
export const NEVER = 0x7fffffff;

/**
 * The ordinary tokens: bytes by id and ids by bytes. Control tokens are not in it, so encoding cannot make one.
 *
 * A Map with 200,000 strings would take a tenth of a second to fill and a string to ask; this is a hash table of ids over
 * the tokens' bytes, asked by a range of the text itself.
 */
export class Vocabulary {
  /** One more than the largest ordinary id. */
  readonly size: number;
  /** Bytes of the longest token. */
  readonly longest: number;
  /** By id: of two tokens, merging makes the one with the smaller rank first. The ids themselves unless set. */
  ranks: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #offsets: Uint32Array;
  readonly #mask: number;
  /** [slot, 2]: an id plus one, 0 where free, then the hash of its bytes; with open addressing. */
  readonly #table: Int32Array;
  readonly #singles = new Int32Array(256).fill(-1);
  /** By the first byte times 256 plus the second. */
  readonly #pairs = new Int32Array(65536).fill(-1);

  /**
   * bytes    all tokens, one after the other
   * offsets  [size + 1]  where each begins; an empty one is a gap (an id that a control token has)
   *
   * Throws `tokenizer/bad-vocabulary` when two ids have the same bytes, or a byte has no token.
   */
  constructor(bytes: Uint8Array, offsets: Uint32Array) {
    this.size = offsets.length - 1;
    this.#bytes = bytes;
    this.#offsets = offsets;
    this.ranks = new Int32Array(this.size);
    const numSlots = 2 ** Math.ceil(Math.log2(2 * this.size + 2)); // at most half full
    this.#mask = numSlots - 1;
    this.#table = new Int32Array(2 * numSlots);
    let longest = 0;
    for (let id = 0; id < this.size; id++) {
      this.ranks[id] = id;
      const length = offsets[id + 1]! - offsets[id]!;
      if (length > 0) this.#insert(id);
      if (length > longest) longest = length;
    }
    this.longest = longest;
    const missing = this.#singles.indexOf(-1);
    if (missing >= 0) {
      throw badVocabulary(`Cannot encode every text: no token for the byte ${missing}`);
    }
  }

  /** The bytes of an ordinary token, not to be written to; empty where there is none. */
  bytesOf(id: number): Uint8Array {
    return this.#bytes.subarray(this.#offsets[id], this.#offsets[id + 1]);
  }

  /** The token that is exactly the bytes of `text` from `start` to `end`, or -1. */
  find(text: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length === 1) return this.#singles[text[start]!]!;
    if (length === 2) return this.#pairs[(text[start]! << 8) | text[start + 1]!]!;
    if (length > this.longest) return -1;
    const hash = hashBytes(text, start, end);
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const id = this.#table[2 * slot]! - 1;
      if (id < 0) return -1;
      if (this.#table[2 * slot + 1] === hash && this.#equals(id, text, start, length)) return id;
    }
  }

  #equals(id: number, text: Uint8Array, start: number, length: number): boolean {
    const offset = this.#offsets[id]!;
    if (this.#offsets[id + 1]! - offset !== length) return false;
    for (let i = 0; i < length; i++) {
      if (this.#bytes[offset + i] !== text[start + i]) return false;
    }
    return true;
  }

  #insert(id: number): void {
    const start = this.#offsets[id]!;
    const end = this.#offsets[id + 1]!;
    const hash = hashBytes(this.#bytes, start, end);
    let slot = hash & this.#mask;
    for (; this.#table[2 * slot] !== 0; slot = (slot + 1) & this.#mask) {
      const other = this.#table[2 * slot]! - 1;
      if (this.#table[2 * slot + 1] === hash && this.#equals(other, this.#bytes, start, end - start)) {
        throw badVocabulary(`Tokens ${other} and ${id} have the same bytes`);
      }
    }
    this.#table[2 * slot] = id + 1;
    this.#table[2 * slot + 1] = hash;
    if (end - start === 1) this.#singles[this.#bytes[start]!] = id;
    if (end - start === 2) this.#pairs[(this.#bytes[start]! << 8) | this.#bytes[start + 1]!] = id;
  }
}
