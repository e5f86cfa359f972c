/** How far back occurrences of the last two ids are looked at, newest first, and how many equal ids are counted. */
const MAX_CANDIDATES = 64;
const MAX_MATCH = 32;

/** A place in a text before which the same ids stand as at its end. */
export interface Match {
  /** What stands here may follow at the end too. */
  readonly position: number;
  /** How many ids are the same; 2 or more. */
  readonly length: number;
}

/** Finds earlier occurrences of a text's end in the text. It grows with the text; ids that were seen may not change. */
export class NgramIndex {
  /** Two ids in a row → the newest position behind them. */
  readonly #newest = new Map<number, number>();
  /** By position: the one before it behind the same two ids, or −1. */
  #earlier = new Int32Array(256);
  #seen = 2;

  /** The longest match of the end of `ids` in what stands before it, the newest among equals. */
  find(ids: readonly number[]): Match | undefined {
    this.#grow(ids);
    if (ids.length < 2) return undefined;
    let best: Match | undefined;
    let position = this.#newest.get(pairBefore(ids, ids.length)) ?? -1;
    for (let i = 0; position >= 0 && i < MAX_CANDIDATES; i++) {
      const length = equalBefore(ids, position);
      if (!best || length > best.length) best = { position, length };
      if (length === MAX_MATCH) break;
      position = this.#earlier[position]!;
    }
    return best;
  }

  /** The end itself is not entered: nothing follows it yet. */
  #grow(ids: readonly number[]): void {
    if (this.#earlier.length < ids.length) {
      const longer = new Int32Array(2 * ids.length);
      longer.set(this.#earlier);
      this.#earlier = longer;
    }
    for (; this.#seen < ids.length; this.#seen++) {
      const pair = pairBefore(ids, this.#seen);
      this.#earlier[this.#seen] = this.#newest.get(pair) ?? -1;
      this.#newest.set(pair, this.#seen);
    }
  }
}

/** `count` ids that follow the match, going on with themselves where the text ends. */
export function continuation(ids: readonly number[], { position }: Match, count: number): number[] {
  const follow: number[] = [];
  for (let i = position; follow.length < count; i++) follow.push(i < ids.length ? ids[i]! : follow[i - ids.length]!);
  return follow;
}

/** One number for the two ids before a position; ids are below 2^26. */
function pairBefore(ids: readonly number[], position: number): number {
  return ids[position - 2]! * 2 ** 26 + ids[position - 1]!;
}

function equalBefore(ids: readonly number[], position: number): number {
  let length = 0;
  while (length < MAX_MATCH && length < position && ids[position - 1 - length] === ids[ids.length - 1 - length])
    length++;
  return length;
}
