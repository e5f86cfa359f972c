import type { Context } from 'hono';
import type { Host, Turns } from '../api/index.ts';
import type { Logger } from './log.ts';

/** What routes are given: everything that outlives a request. */
export interface ServerContext {
  readonly host: Host;
  readonly turns: Turns;
  readonly log: Logger;
  /** Of the package. */
  readonly version: string;
}

/** What every request has, set by the first middleware. */
export interface RequestState {
  Variables: {
    /** In every reply (`x-request-id`), error and log line. */
    requestId: string;
    /** For fairness: the key's name, or the address. */
    client: string;
    /** Fires when the client has left, or the request has run out of time. */
    signal: AbortSignal;
  };
}

export type RequestContext = Context<RequestState>;
