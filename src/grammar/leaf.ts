/**
 * A finite automaton over bytes, with numbers as states. Every state can still reach an accepting one: `next` answers -1
 * rather than lead to a dead end.
 */
export interface Leaf {
  readonly start: number;
  /** The state after `byte`, or -1. */
  next(state: number, byte: number): number;
  accepts(state: number): boolean;
  /** Whether no byte may follow. */
  ends(state: number): boolean;
  /** Bytes of the shortest way to an accepting state. */
  distance(state: number): number;
  /** One leaf and state for all that no string of so many bytes tells apart, so that they share what is kept about them. */
  alike?(state: number, numBytes: number): readonly [leaf: Leaf, state: number];
}

const SPACE = 0x20;

/** Some bytes, one after the other, then one space if it may follow. States count the bytes that were seen. */
export class Literal implements Leaf {
  readonly start = 0;
  readonly #bytes: Uint8Array;
  readonly #maySpace: boolean;

  constructor(text: string, options: { maySpace?: boolean } = {}) {
    this.#bytes = new TextEncoder().encode(text);
    this.#maySpace = options.maySpace ?? false;
  }

  next(state: number, byte: number): number {
    if (state < this.#bytes.length) return this.#bytes[state] === byte ? state + 1 : -1;
    return this.#maySpace && state === this.#bytes.length && byte === SPACE ? state + 1 : -1;
  }

  accepts(state: number): boolean {
    return state >= this.#bytes.length;
  }

  ends(state: number): boolean {
    return state === this.#bytes.length + (this.#maySpace ? 1 : 0);
  }

  distance(state: number): number {
    return Math.max(0, this.#bytes.length - state);
  }
}

/** A set of byte strings. States are the nodes of their trie. */
export class Trie implements Leaf {
  readonly start = 0;
  readonly #children: (Map<number, number> | undefined)[] = [undefined];
  readonly #accepting = new Set<number>();
  /** By node. */
  readonly #distance: number[] = [Number.POSITIVE_INFINITY];

  constructor(texts: Iterable<string>) {
    const encoder = new TextEncoder();
    for (const text of texts) this.#add(encoder.encode(text));
  }

  next(state: number, byte: number): number {
    return this.#children[state]?.get(byte) ?? -1;
  }

  accepts(state: number): boolean {
    return this.#accepting.has(state);
  }

  ends(state: number): boolean {
    return this.#children[state] === undefined;
  }

  distance(state: number): number {
    return this.#distance[state]!;
  }

  #add(bytes: Uint8Array): void {
    let node = 0;
    for (let i = 0; i <= bytes.length; i++) {
      this.#distance[node] = Math.min(this.#distance[node]!, bytes.length - i);
      if (i === bytes.length) break;
      this.#children[node] ??= new Map();
      const children = this.#children[node]!;
      let child = children.get(bytes[i]!);
      if (child === undefined) {
        child = this.#children.length;
        this.#children.push(undefined);
        this.#distance.push(Number.POSITIVE_INFINITY);
        children.set(bytes[i]!, child);
      }
      node = child;
    }
    this.#accepting.add(node);
  }
}
