import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import type { Host, Responses, Turns } from '../api/index.ts';
import type { Tool } from '../tools/index.ts';
import type { ConsoleState } from './console/index.ts';
import type { Logger } from './log.ts';

/** What routes are given: everything that outlives a request. */
export interface ServerContext {
  readonly host: Host;
  readonly turns: Turns;
  readonly log: Logger;
  /** What turns may let the model call here. Default: nothing. */
  readonly tools?: readonly Tool[];
  /** What the console's server side keeps. Default: it keeps its own, which nobody tells of turns and requests. */
  readonly console?: ConsoleState;
  /** Makes and keeps responses. Default: keeps them in memory, until the server ends. */
  readonly responses?: Responses;
  /** Of the package. */
  readonly version: string;
}

/** What every request has, set by the first middleware. */
export interface RequestVariables {
  /** In every reply (`x-request-id`), error and log line. */
  requestId: string;
  /** For fairness: the key's name, or the address. */
  client: string;
  /** Fires when the client has left, or the request has run out of time. */
  signal: AbortSignal;
}

export interface RequestState {
  Variables: RequestVariables;
  /** Nothing where there is no socket, as in `app.request`. `within`: the request that was sent on inside the server. */
  Bindings: Partial<HttpBindings> & { readonly within?: RequestVariables };
}

export type RequestContext = Context<RequestState>;
export type Middleware = MiddlewareHandler<RequestState>;
