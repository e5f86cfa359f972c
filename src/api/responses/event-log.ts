import type { StreamEvent } from './events.ts';

/** The events of a stream that goes on whether or not anybody reads it. */
export class EventLog {
  readonly #events: StreamEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  get events(): readonly StreamEvent[] {
    return this.#events;
  }

  append(event: StreamEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** All events behind one, those to come included. */
  async *after(sequenceNumber: number): AsyncGenerator<StreamEvent, void, undefined> {
    for (let next = sequenceNumber + 1; ; next++) {
      while (next >= this.#events.length) {
        if (this.#isOver) return;
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
      yield this.#events[next]!;
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
