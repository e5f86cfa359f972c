/** What waits says who it is for; undefined is anonymous, one client like any other. */
export interface Waiting {
  readonly client: string | undefined;
}

/**
 * Requests that wait for a place: clients take turns, and each client's own are served first come, first served. What has
 * run before and was put aside goes before all of them.
 */
export class WaitingLine<T extends Waiting> {
  /** Youngest first: the one that was put aside last has the oldest beside it still running. */
  readonly #putAside: T[] = [];
  /** The client whose turn it is stands first. None is empty. */
  readonly #turns = new Map<string | undefined, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(entry: T): void {
    const own = this.#turns.get(entry.client);
    if (own) own.push(entry);
    else this.#turns.set(entry.client, [entry]);
    this.#size++;
  }

  putBack(entry: T): void {
    this.#putAside.unshift(entry);
    this.#size++;
  }

  /** Who is next. */
  peek(): T | undefined {
    if (this.#putAside.length > 0) return this.#putAside[0];
    const [own] = this.#turns.values();
    return own?.[0];
  }

  /** Takes the next one out; its client then waits for its turn again. */
  take(): T | undefined {
    const back = this.#putAside.shift();
    const [turn] = this.#turns;
    if (back || !turn) {
      if (back) this.#size--;
      return back;
    }
    const [client, own] = turn;
    this.#turns.delete(client);
    const entry = own.shift();
    if (own.length > 0) this.#turns.set(client, own);
    this.#size--;
    return entry;
  }

  /** Takes one out that will not come to its turn. Harmless when it does not wait. */
  remove(entry: T): void {
    const own = this.#turns.get(entry.client) ?? [];
    for (const list of [this.#putAside, own]) {
      const at = list.indexOf(entry);
      if (at < 0) continue;
      list.splice(at, 1);
      this.#size--;
    }
    if (own.length === 0) this.#turns.delete(entry.client);
  }

  /** Whom a full line lets go for a client that has nothing in it: the last of the one that has the most, when that is more than one. */
  lastOfMost(): T | undefined {
    const longest = [...this.#turns.values()].reduce<T[]>((most, own) => (own.length > most.length ? own : most), []);
    return longest.length > 1 ? longest.at(-1) : undefined;
  }

  has(client: string | undefined): boolean {
    return this.#turns.has(client);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    yield* this.#putAside;
    for (const own of this.#turns.values()) yield* own;
  }
}
