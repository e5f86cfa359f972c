import { AsyncLocalStorage } from 'node:async_hooks';
import { matchedRoutes } from 'hono/route';
import { METHOD_NAME_ALL } from 'hono/router';
import type { Middleware, RequestContext } from '../context.ts';
import { whenOver } from './over.ts';

/** What turns of one request came to; all of them together, where there are several. */
export interface TurnTally {
  model: string;
  turns: number;
  promptTokens: number;
  cachedTokens: number;
  outputTokens: number;
  /** From the turn's start to its first token, of the first turn. */
  firstTokenMs: number | undefined;
  finish: string;
}

/** One request, from its first byte to the last of its reply. Holds no text of it. */
export interface AccessRecord {
  readonly requestId: string;
  readonly client: string;
  readonly method: string;
  readonly path: string;
  /** As the router has it: `/v1/responses/:id`; empty when there is no such route. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** The client left before the end. */
  readonly left: boolean;
  readonly turn: TurnTally | undefined;
}

/** Whose turn this is: whatever runs for a request finds its tally here. */
export class RequestScope {
  readonly #storage = new AsyncLocalStorage<{ tally: TurnTally | undefined }>();

  /** The tally of the request that is being answered; undefined where there is none. */
  tally(model: string): TurnTally | undefined {
    const store = this.#storage.getStore();
    if (store === undefined) return undefined;
    store.tally ??= {
      model,
      turns: 0,
      promptTokens: 0,
      cachedTokens: 0,
      outputTokens: 0,
      firstTokenMs: undefined,
      finish: '',
    };
    return store.tally;
  }

  run<T>(store: { tally: TurnTally | undefined }, work: () => T): T {
    return this.#storage.run(store, work);
  }
}

/** Tells of every request when it is over: when the last byte is sent, not when the handler returns. */
export function access(scope: RequestScope, over: (record: AccessRecord) => void): Middleware {
  return async (c, next) => {
    const started = performance.now();
    const store: { tally: TurnTally | undefined } = { tally: undefined };
    const tell = (left: boolean) => over(recordOf(c, performance.now() - started, left, store.tally));
    const { outgoing } = c.env ?? {};
    whenOver(c, () => tell(outgoing?.writableFinished === false));
    await scope.run(store, next);
    if (!outgoing) tell(false);
  };
}

function recordOf(c: RequestContext, durationMs: number, left: boolean, turn: TurnTally | undefined): AccessRecord {
  const { method, path } = c.req;
  const [requestId, client] = [c.get('requestId'), c.get('client')];
  return { requestId, client, method, path, route: routeOf(c), status: c.res.status, durationMs, left, turn };
}

function routeOf(c: RequestContext): string {
  return matchedRoutes(c).find(({ method }) => method !== METHOD_NAME_ALL)?.path ?? '';
}
