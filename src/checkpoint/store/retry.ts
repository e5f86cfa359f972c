import { setTimeout as sleep } from 'node:timers/promises';

/** A failure that the next attempt may not meet: a broken connection, a busy server. */
export class TransientError extends Error {
  /** `offline` when no answer came, `failed` when the server answered that it could not. */
  readonly kind: 'offline' | 'failed';
  readonly retryAfterMs: number | undefined;

  constructor(kind: 'offline' | 'failed', message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface RetryOptions {
  /** Attempts after the first that may fail in a row. Default: 5 */
  readonly retries?: number | undefined;
  /** Pause before the first retry; it doubles each time, up to 30 s. Default: 500 */
  readonly retryDelayMs?: number | undefined;
  /** A connection on which nothing arrives for so long counts as broken. Default: 30,000 */
  readonly stallMs?: number | undefined;
}

const MAX_DELAY_MS = 30_000;

/** How long to wait before retry number `failures` (from 1). A random half keeps many clients from coming back at once. */
export function retryDelay(error: TransientError, failures: number, { retryDelayMs = 500 }: RetryOptions): number {
  if (error.retryAfterMs !== undefined) return Math.min(error.retryAfterMs, 2 * MAX_DELAY_MS);
  const delay = Math.min(retryDelayMs * 2 ** (failures - 1), MAX_DELAY_MS);
  return delay / 2 + (Math.random() * delay) / 2;
}

/** Sleeps, and wakes with the signal's reason when it is aborted. */
export async function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Aborts when the caller does, or when nobody has touched it for a while. */
export class Watchdog {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #stallMs: number;
  readonly #relay: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(stallMs: number, outer: AbortSignal | undefined) {
    this.#stallMs = stallMs;
    this.#outer = outer;
    this.#relay = () => this.#controller.abort(outer?.reason);
    outer?.addEventListener('abort', this.#relay);
    if (outer?.aborted) this.#relay();
    this.touch();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  touch(): void {
    clearTimeout(this.#timer);
    const stalled = () => this.#controller.abort(new Error(`nothing arrived for ${this.#stallMs / 1000} s`));
    this.#timer = setTimeout(stalled, this.#stallMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#relay);
  }
}
