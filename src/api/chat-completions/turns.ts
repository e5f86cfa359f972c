import type { ChatEvent } from '../../chat/index.ts';
import type { Lease } from '../host.ts';
import type { TurnRequest } from '../turns.ts';
import type { Caller } from './service.ts';

export type Turn = AsyncIterableIterator<ChatEvent>;

/** The turns of one request, one for each of its answers, and the model on loan for them. */
export class RequestTurns {
  readonly all: Turn[] = [];
  /** Fires when the caller has left, or the request is done. */
  readonly signal: AbortSignal;
  readonly #id: string;
  readonly #api: TurnRequest['api'];
  readonly #lease: Lease;
  readonly #caller: Caller;
  readonly #stop = new AbortController();

  /** `id`: the response's; the turn of its first answer bears it, those of others have their index behind it. */
  constructor(id: string, api: TurnRequest['api'], lease: Lease, caller: Caller) {
    this.#id = id;
    this.#api = api;
    this.#lease = lease;
    this.#caller = caller;
    this.signal = AbortSignal.any([caller.signal, this.#stop.signal]);
  }

  /** Starts one more turn. The first has begun before the next is added, so that this finds their common prompt computed. */
  async add(start: (request: TurnRequest) => Turn | Promise<Turn>): Promise<void> {
    const index = this.all.length;
    const turn = await start({
      id: index === 0 ? this.#id : `${this.#id}-${index}`,
      api: this.#api,
      client: this.#caller.client,
      signal: this.signal,
      loadMs: this.#lease.loadMs,
    });
    this.all.push(turn);
  }

  /** Ends what still runs and gives the model back. Harmless when repeated. */
  readonly done = (): void => {
    this.#stop.abort();
    for (const turn of this.all) turn.return?.().catch(() => {}); // its error, if any, has been told
    this.#lease.release();
  };
}
