import { Hono } from 'hono';
import { type ErrorReply, openAiError, problemOf } from '../api/index.ts';
import { OssiaError } from '../base/index.ts';
import type { Middleware, RequestContext, RequestState, ServerContext } from './context.ts';
import { methodsOf } from './http/methods.ts';
import { requestIdOf } from './http/request-id.ts';
import { send } from './http/send.ts';
import type { RouteDoc } from './openapi/route-doc.ts';

export type App = Hono<RequestState>;

/** One family of paths, and how it says what went wrong. */
export interface RouteGroup {
  /** Adds its routes. */
  register(app: App, context: ServerContext): void;
  /** Paths whose errors it words; the first group that claims a path has it. Default: none, OpenAI's words. */
  readonly errors?: { readonly prefix: string; readonly reply: (error: unknown, requestId: string) => ErrorReply };
  /** What /openapi.json says of its routes; of others, their path only. */
  readonly docs?: readonly RouteDoc[];
}

/**
 * The whole server as a function from requests to responses; `serve` gives it a port, tests call `app.request`.
 * `guards` see every request before the routes, in their order: keys, limits, what is logged.
 */
export function createApp(
  context: ServerContext,
  groups: readonly RouteGroup[],
  guards: readonly Middleware[] = [],
): App {
  const app: App = new Hono<RequestState>();
  app.use(introduce);
  for (const guard of guards) app.use(onlyFromOutside(guard));
  app.onError((error, c) => refuse(error, c, context, groups));
  app.notFound((c) => refuse(unknownRoute(app, c), c, context, groups));
  for (const group of groups) group.register(app, context);
  return app;
}

/** Gives the request its id, its client and its signal; those of the outer request, if it was sent on inside the server. */
const introduce: Middleware = async (c, next) => {
  const { within, incoming } = c.env ?? {};
  c.set('requestId', within?.requestId ?? requestIdOf(c.req.header('x-request-id')));
  c.set('client', within?.client ?? incoming?.socket.remoteAddress ?? 'anonymous');
  c.set('signal', within?.signal ?? c.req.raw.signal);
  await next();
  c.res.headers.set('x-request-id', c.get('requestId'));
};

function onlyFromOutside(guard: Middleware): Middleware {
  return (c, next) => (c.env?.within ? next() : guard(c, next));
}

function unknownRoute(app: App, c: RequestContext): OssiaError {
  const { method, path } = c.req;
  const methods = methodsOf(app, path);
  if (methods.length === 0) {
    return new OssiaError('server/unknown-route', `There is no ${method} ${path} on this server`);
  }
  return new OssiaError('server/method-not-allowed', `${path} does not take ${method}, but ${methods.join(', ')}`, {
    details: { allow: methods },
  });
}

const NOT_IMPLEMENTED = 501;
/** No fault of the server's: there may be thousands a minute, and a stack would say nothing. */
const TOO_BUSY: ReadonlySet<number> = new Set([503, 504]);

function refuse(error: unknown, c: RequestContext, { log }: ServerContext, groups: readonly RouteGroup[]): Response {
  const { status, code } = problemOf(error);
  const fields = { requestId: c.get('requestId'), method: c.req.method, path: c.req.path, status, code };
  // What was wrong with a request may quote it, and texts of requests are not logged.
  if (status < 500 || status === NOT_IMPLEMENTED) log.debug(fields, 'request refused');
  else if (TOO_BUSY.has(status)) log.warn(fields, 'request refused');
  else log.error({ ...fields, err: error }, 'request failed');
  const { path } = c.req;
  const reply = groups.find(({ errors }) => errors && path.startsWith(errors.prefix))?.errors?.reply ?? openAiError;
  const response = send({ type: 'error', ...reply(error, c.get('requestId')) });
  const allow = error instanceof OssiaError && error.details.allow;
  if (Array.isArray(allow)) response.headers.set('allow', allow.join(', '));
  // The clients of OpenAI and Anthropic would ask again after every 5xx, unless they are told that it will not help.
  if (status === NOT_IMPLEMENTED || status === 507) response.headers.set('x-should-retry', 'false');
  response.headers.set('x-request-id', c.get('requestId'));
  return response;
}
