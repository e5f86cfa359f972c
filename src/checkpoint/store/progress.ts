/** Speed over the last seconds, and what it says about the time left. */
export class Speedometer {
  readonly #windowMs: number;
  readonly #now: () => number;
  #samples: { at: number; bytes: number }[];
  #bytes = 0;

  constructor(windowMs = 5_000, now: () => number = () => performance.now()) {
    this.#windowMs = windowMs;
    this.#now = now;
    this.#samples = [{ at: now(), bytes: 0 }];
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const at = this.#now();
    const last = this.#samples.at(-1)!;
    // Ten samples a second are enough, however many chunks arrive.
    if (this.#samples.length > 1 && at - last.at < 100) last.bytes = this.#bytes;
    else this.#samples.push({ at, bytes: this.#bytes });
    while (this.#samples.length > 2 && this.#samples[1]!.at < at - this.#windowMs) this.#samples.shift();
  }

  bytesPerSecond(): number {
    const first = this.#samples[0]!;
    const elapsed = this.#now() - first.at;
    return elapsed > 0 ? ((this.#bytes - first.bytes) * 1000) / elapsed : 0;
  }

  /** Undefined while nothing moves. */
  secondsFor(bytes: number): number | undefined {
    const speed = this.bytesPerSecond();
    return speed > 0 ? bytes / speed : undefined;
  }
}

/** Events from several downloads as one async sequence. `end` or `fail` closes it; what was pushed before still comes out. */
export class EventQueue<T> implements AsyncIterable<T> {
  #events: T[] = [];
  #closed = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  push(event: T): void {
    this.#events.push(event);
    this.#wake();
  }

  end(): void {
    this.#closed = true;
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const events = this.#events;
      this.#events = [];
      yield* events;
      if (this.#events.length > 0) continue;
      if (this.#failure) throw this.#failure.error;
      if (this.#closed) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
