import type { Clock } from './clock.ts';

/** What the pool needs of a model. */
export interface PoolModel {
  readonly info: { readonly sizeBytes: number; readonly kvBytesCapacity: number };
  /** Why it can no longer be used; undefined while it works. */
  readonly failure?: Error | undefined;
  close(): Promise<void>;
}

/** A model that is on its way into memory, there, or on its way out; and how many requests it is lent to or awaited by. */
export class Resident<M extends PoolModel> {
  readonly key: string;
  /** Settles when the model is there, or cannot be had. */
  loading: Promise<M> | undefined;
  model: M | undefined;
  /** Bytes that count as taken, from the moment that loading may begin until the model is closed. */
  bytes = 0;
  /** Whether its bytes have been granted. */
  admitted = false;
  users = 0;
  lastUsed: number;
  /** The order of last use: the least was used the longest ago. */
  turn = 0;
  keepAliveMs: number;
  readonly #clock: Clock;
  #cancelTimer: (() => void) | undefined;

  constructor(key: string, keepAliveMs: number, clock: Clock) {
    this.key = key;
    this.keepAliveMs = keepAliveMs;
    this.lastUsed = clock.now();
    this.#clock = clock;
  }

  /** Loaded, and nobody uses it. */
  get idle(): boolean {
    return this.model !== undefined && this.users === 0;
  }

  /** When it goes, if nobody asks for it before; undefined: it stays. */
  get expires(): Date | undefined {
    const since = this.users === 0 ? this.lastUsed : this.#clock.now();
    const date = new Date(since + this.keepAliveMs);
    return Number.isNaN(date.getTime()) ? undefined : date;
  }

  /** Calls back when the keep-alive is over, unless somebody comes before. */
  whenExpired(callback: () => void): void {
    this.stay();
    if (this.keepAliveMs === Number.POSITIVE_INFINITY) return;
    const left = this.lastUsed + this.keepAliveMs - this.#clock.now();
    this.#cancelTimer = this.#clock.after(Math.max(0, left), callback);
  }

  /** Takes the call back. */
  stay(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
