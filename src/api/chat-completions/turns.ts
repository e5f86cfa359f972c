import { randomInt } from 'node:crypto';
import type { ChatEvent, ChatMessage, ChatOptions } from '../../chat/index.ts';
import type { Lease } from '../host.ts';
import { seedOf } from './sampling.ts';
import type { Caller, Service } from './service.ts';

export type Turn = AsyncIterableIterator<ChatEvent>;

/** The turns of one request, one for each of its answers. */
export class RequestTurns {
  readonly all: Turn[] = [];
  readonly #service: Service;
  readonly #lease: Lease;
  readonly #caller: Caller;
  readonly #stop = new AbortController();
  /** Fires when the caller has left, or the request is done. */
  readonly signal: AbortSignal;

  constructor(service: Service, lease: Lease, caller: Caller) {
    this.#service = service;
    this.#lease = lease;
    this.#caller = caller;
    this.signal = AbortSignal.any([caller.signal, this.#stop.signal]);
  }

  /**
   * Starts `count` turns that differ by their seeds, each one more than the one before. The first goes ahead, so that the
   * others find its prompt computed.
   */
  async start(id: string, count: number, messages: readonly ChatMessage[], options: ChatOptions): Promise<void> {
    const seed = options.seed ?? (count > 1 ? randomInt(2 ** 47) : undefined);
    for (let index = 0; index < count; index++) {
      const own = seed === undefined ? options : { ...options, seed: seedOf(seed, index) };
      const turn = await this.#service.turns.start(this.#lease.model, messages, own, {
        id: index === 0 ? id : `${id}-${index}`,
        api: 'chat',
        client: this.#caller.client,
        signal: this.signal,
        loadMs: this.#lease.loadMs,
      });
      this.all.push(turn);
    }
  }

  /** Ends what still runs and gives the model back. Harmless when repeated. */
  readonly done = (): void => {
    this.#stop.abort();
    for (const turn of this.all) turn.return?.().catch(() => {}); // its error, if any, has been told
    this.#lease.release();
  };
}
