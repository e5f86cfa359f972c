import type { Prefix } from './runner.ts';

interface Kept {
  readonly ids: readonly number[];
  readonly prefix: Prefix;
}

/**
 * Prefixes of finished prompts and turns, found again by their token ids: the least recently used goes first.
 * A conversation that goes on, or another with the same system text, then begins where this one is already computed.
 */
export class KeptPrefixes {
  readonly #limit: number;
  #evictions = 0;
  /** Least recently used first. */
  #kept: Kept[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Prefixes that made room for others. */
  get evictions(): number {
    return this.#evictions;
  }

  /** Blocks that are kept; shared ones count once. */
  blocks(blockSize: number): number {
    return this.#kept.reduce((sum, { ids }, i) => {
      const shared = Math.max(0, ...this.#kept.slice(0, i).map((other) => commonLength(ids, other.ids)));
      return sum + ids.length / blockSize - Math.floor(shared / blockSize);
    }, 0);
  }

  get size(): number {
    return this.#kept.length;
  }

  /**
   * The longest kept prefix that `ids` begins with and that leaves one id at least to compute, because logits come from computing.
   * It stays kept: the sequence that opens it takes references of its own.
   */
  find(ids: readonly number[]): Prefix | undefined {
    let best: Kept | undefined;
    for (const kept of this.#kept) {
      const { length } = kept.ids;
      if (length < ids.length && length > (best?.ids.length ?? 0) && commonLength(kept.ids, ids) === length)
        best = kept;
    }
    if (best) this.#touch(best);
    return best?.prefix;
  }

  /** How many of `ids` some kept prefix shares with it, whether or not that prefix ends there. */
  sharedLength(ids: readonly number[]): number {
    return this.#kept.reduce((longest, kept) => Math.max(longest, commonLength(kept.ids, ids)), 0);
  }

  /** Whether exactly the first `length` of these ids are kept. */
  has(ids: readonly number[], length: number): boolean {
    return this.#kept.some((kept) => kept.ids.length === length && commonLength(kept.ids, ids) === length);
  }

  /** Takes over a prefix whose ids are the first `prefix.length` of `ids`. */
  add(ids: readonly number[], prefix: Prefix): void {
    this.#kept.push({ ids: ids.slice(0, prefix.length), prefix });
    while (this.#kept.length > this.#limit) this.evict();
  }

  /** Lets the least recently used go. False when nothing is kept. */
  evict(): boolean {
    const oldest = this.#kept.shift();
    oldest?.prefix.release();
    if (oldest) this.#evictions++;
    return oldest !== undefined;
  }

  clear(): void {
    while (this.evict());
  }

  #touch(kept: Kept): void {
    this.#kept = [...this.#kept.filter((other) => other !== kept), kept];
  }
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let i = 0;
  while (i < end && a[i] === b[i]) i++;
  return i;
}
