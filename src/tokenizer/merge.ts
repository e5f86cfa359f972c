import { NEVER, type Vocabulary } from './vocabulary.ts';

/** Up to this many bytes, looking through all pairs for the next merge is faster than keeping a heap of them. */
export const SHORT = 50;

/**
 * Byte-pair encoding of one piece: starts from its bytes, and merges the two neighbours whose joined token has the lowest
 * rank, the leftmost where several have, until no neighbours join to a token.
 *
 * Merging goes by the rank of the joined token, as in tiktoken. A list of merges gives the same tokens when, for each
 * token, it has the pair that the lower merges leave of it: true of the list that training writes, and of Hugging Face's
 * conversions, which list every pair. For a merge across the token's border would have kept it from forming at all, so
 * inside, the merges are the same as if it stood alone.
 *
 * Appends the ids to `out`.
 */
export class Merger {
  readonly #vocabulary: Vocabulary;
  // Parts are a linked list by the offset where they start.
  readonly #ends = new Int32Array(SHORT); //   where the part that starts here ends
  readonly #ids = new Int32Array(SHORT); //    its token
  readonly #joined = new Int32Array(SHORT); // the token that it makes with the next part
  readonly #ranks = new Int32Array(SHORT); //  and that token's rank, NEVER for none

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  merge(text: Uint8Array, start: number, end: number, out: number[]): void {
    if (end - start <= SHORT) this.mergeShort(text, start, end, out);
    else this.mergeLong(text, start, end, out);
  }

  /** At most SHORT bytes; quadratic. */
  mergeShort(text: Uint8Array, start: number, end: number, out: number[]): void {
    const length = end - start;
    const ends = this.#ends;
    const ids = this.#ids;
    const ranks = this.#ranks;
    for (let part = length - 1; part >= 0; part--) {
      ends[part] = part + 1;
      ids[part] = this.#vocabulary.find(text, start + part, start + part + 1);
      this.#join(text, start, part, length);
    }
    for (;;) {
      let best = 0;
      let beforeBest = -1;
      for (let part = 0, next = ends[0]!; next < length; part = next, next = ends[next]!) {
        if (ranks[next]! >= ranks[best]!) continue;
        best = next;
        beforeBest = part;
      }
      if (ranks[best] === NEVER) break;
      ids[best] = this.#joined[best]!;
      ends[best] = ends[ends[best]!]!;
      this.#join(text, start, best, length);
      if (beforeBest >= 0) this.#join(text, start, beforeBest, length);
    }
    for (let part = 0; part < length; part = ends[part]!) out.push(ids[part]!);
  }

  /** Looks up the token that a part of `mergeShort` makes with the next. */
  #join(text: Uint8Array, start: number, part: number, length: number): void {
    const second = this.#ends[part]!;
    const id = second < length ? this.#vocabulary.find(text, start + part, start + this.#ends[second]!) : -1;
    this.#joined[part] = id;
    this.#ranks[part] = id < 0 ? NEVER : this.#vocabulary.ranks[id]!;
  }

  /** Any length, n log n: parts are a linked list by the offset where they start, and pairs wait in a heap. */
  mergeLong(text: Uint8Array, start: number, end: number, out: number[]): void {
    const vocabulary = this.#vocabulary;
    const length = end - start;
    const ends = new Int32Array(length); //               where the part that starts here ends
    const previous = new Int32Array(length + 1); //       where the part before starts
    const ids = new Int32Array(length); //                its token
    const joined = new Int32Array(length).fill(-1); //    the token that it makes with the next part, or -1
    const queue = new PairQueue(length);
    const join = (part: number): void => {
      const second = ends[part]!;
      const id = second < length ? vocabulary.find(text, start + part, start + ends[second]!) : -1;
      joined[part] = id;
      if (id >= 0 && vocabulary.ranks[id] !== NEVER) queue.push(vocabulary.ranks[id]!, part);
    };
    for (let part = 0; part < length; part++) {
      ends[part] = part + 1;
      previous[part] = part - 1;
      ids[part] = vocabulary.find(text, start + part, start + part + 1);
    }
    for (let part = 0; part < length; part++) join(part);
    while (queue.pop()) {
      const part = queue.part;
      const id = joined[part]!;
      if (id < 0 || vocabulary.ranks[id] !== queue.rank) continue; // the pair has changed since
      const second = ends[part]!;
      ids[part] = id;
      ends[part] = ends[second]!;
      previous[ends[part]!] = part;
      joined[second] = -1; // no part any more
      join(part);
      if (part > 0) join(previous[part]!);
    }
    for (let part = 0; part < length; part = ends[part]!) out.push(ids[part]!);
  }
}

/** A heap of pairs by rank, then by place, which share a double: ranks are below 2^21 (MAX_MERGES), places below 2^32. */
class PairQueue {
  rank = 0;
  part = 0;
  #keys: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity);
  }

  push(rank: number, part: number): void {
    if (this.#size === this.#keys.length) {
      const larger = new Float64Array(2 * this.#size);
      larger.set(this.#keys);
      this.#keys = larger;
    }
    const keys = this.#keys;
    const key = rank * 2 ** 32 + part;
    let hole = this.#size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[hole] = keys[parent]!;
      hole = parent;
    }
    keys[hole] = key;
  }

  /** Takes the lowest pair out, into `rank` and `part`. False when there is none. */
  pop(): boolean {
    if (this.#size === 0) return false;
    const keys = this.#keys;
    const lowest = keys[0]!;
    this.rank = Math.floor(lowest / 2 ** 32);
    this.part = lowest - this.rank * 2 ** 32;
    const size = --this.#size;
    const key = keys[size]!;
    let hole = 0;
    for (let child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= key) break;
      keys[hole] = keys[child]!;
      hole = child;
    }
    keys[hole] = key;
    return true;
  }
}
