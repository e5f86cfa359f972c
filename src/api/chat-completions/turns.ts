import type { ChatEvent } from '../../chat/index.ts';
import type { Lease } from '../host.ts';
import type { TurnRequest } from '../turns.ts';
import type { Caller } from './service.ts';

export type Turn = AsyncIterableIterator<ChatEvent>;

export type StartTurn = (request: TurnRequest) => Turn | Promise<Turn>;

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

  /**
   * Starts the turns, in order: the first alone, so that the others find their common prompt computed, or being computed. Rejects
   * when one cannot be started.
   */
  async start([first, ...others]: readonly StartTurn[]): Promise<void> {
    if (first) await this.#start(first, 0);
    const started = await Promise.allSettled(others.map((start, index) => this.#start(start, index + 1)));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #start(start: StartTurn, index: number): Promise<void> {
    this.all[index] = await start({
      id: index === 0 ? this.#id : `${this.#id}-${index}`,
      api: this.#api,
      client: this.#caller.client,
      signal: this.signal,
      loadMs: this.#lease.loadMs,
    });
  }

  /** Ends what still runs and gives the model back. Harmless when repeated. */
  readonly done = (): void => {
    this.#stop.abort();
    for (const turn of Object.values(this.all)) turn.return?.().catch(() => {}); // its error, if any, has been told
    this.#lease.release();
  };
}
