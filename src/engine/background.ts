import { OssiaError } from '../base/index.ts';
import { Exclusive } from './exclusive.ts';
import { onAbort } from './signals.ts';

/** Work that may wait behind the piece that runs. */
const MAX_WAITING = 8;

/** Work beside the generations: one piece of it at a time, and none is left when it is closed. */
export class Background {
  readonly #exclusive = new Exclusive();
  readonly #closed = new AbortController();
  #count = 0;

  /**
   * Runs work once what came before is done; its signal fires when it shall end, with `engine/closed` as the reason when that is why.
   * Rejects with `engine/queue-full`, `engine/closed`, or with the reason of the caller's signal.
   */
  async run<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#count > MAX_WAITING) {
      const details = { waiting: this.#count - 1, retryAfterSeconds: 1 };
      throw new OssiaError('engine/queue-full', 'Cannot take more work beside the turns: enough waits', { details });
    }
    const either = AbortSignal.any(signal ? [signal, this.#closed.signal] : [this.#closed.signal]);
    let isCounted = true;
    const leave = () => {
      if (isCounted) this.#count--;
      isCounted = false;
    };
    this.#count++;
    onAbort(either, leave); // who has left keeps nobody else away
    try {
      return await this.#exclusive.run(async () => {
        either.throwIfAborted();
        return await work(either);
      });
    } finally {
      leave();
    }
  }

  /** Ends what runs and what waits, and resolves when it has ended. */
  async close(): Promise<void> {
    this.#closed.abort(new OssiaError('engine/closed', 'Cannot go on: the engine was closed'));
    await this.#exclusive.run(async () => {});
  }
}
