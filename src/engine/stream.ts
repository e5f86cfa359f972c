/**
 * An async iterable that is filled from outside. It buffers what its reader has not taken: a slow reader holds up nobody,
 * and what waits for it is small (token ids) and bounded (by the context).
 */
export class EventStream<T> implements AsyncIterable<T> {
  readonly #buffer: T[] = [];
  readonly #onReturn: () => void;
  #error: { readonly value: unknown } | undefined;
  #closed = false;
  #wake: (() => void) | undefined;
  #taken = false;

  /** `onReturn` is called when the reader leaves before the end. */
  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  push(value: T): void {
    if (this.#closed) return;
    this.#buffer.push(value);
    this.#wake?.();
  }

  /** No more values follow; what is buffered is still read. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Throws at the reader, after what is buffered. */
  fail(error: unknown): void {
    if (this.#closed) return;
    this.#error = { value: error };
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    if (this.#taken) throw new TypeError('Cannot read a stream of events twice');
    this.#taken = true;
    try {
      for (;;) {
        while (this.#buffer.length > 0) yield this.#buffer.shift()!;
        if (this.#closed) break;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#error) throw this.#error.value;
    } finally {
      if (!this.#closed) {
        this.#closed = true;
        this.#onReturn();
      }
    }
  }
}
