import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { type ErrorReply, openAiError, problemOf } from '../api/index.ts';
import { OssiaError } from '../base/index.ts';
import type { RequestContext, RequestState, ServerContext } from './context.ts';
import { send } from './http/send.ts';

export type App = Hono<RequestState>;

/** One family of paths, and how it says what went wrong. */
export interface RouteGroup {
  /** Adds its routes. */
  register(app: App, context: ServerContext): void;
  /** Paths whose errors it words; the first group that claims a path has it. Default: none, OpenAI's words. */
  readonly errors?: { readonly prefix: string; readonly reply: (error: unknown, requestId: string) => ErrorReply };
}

/** The whole server as a function from requests to responses; `serve` gives it a port, tests call `app.request`. */
export function createApp(context: ServerContext, groups: readonly RouteGroup[]): App {
  const app: App = new Hono<RequestState>();
  const fail = (c: RequestContext, error: unknown) => {
    const { status, code } = problemOf(error);
    const log = status >= 500 ? context.log.error : context.log.info;
    log.call(
      context.log,
      { requestId: c.get('requestId'), path: c.req.path, status, code, err: error },
      'request failed',
    );
    const reply =
      groups.find(({ errors }) => errors && c.req.path.startsWith(errors.prefix))?.errors?.reply ?? openAiError;
    const response = send({ type: 'error', ...reply(error, c.get('requestId')) });
    response.headers.set('x-request-id', c.get('requestId'));
    return response;
  };
  app.use(async (c, next) => {
    c.set('requestId', `req_${randomUUID().replaceAll('-', '')}`);
    c.set('client', 'anonymous');
    c.set('signal', c.req.raw.signal);
    await next();
    c.res.headers.set('x-request-id', c.get('requestId'));
  });
  app.onError((error, c) => fail(c, error));
  app.notFound((c) =>
    fail(c, new OssiaError('server/unknown-route', `There is no ${c.req.method} ${c.req.path} on this server`)),
  );
  for (const group of groups) group.register(app, context);
  return app;
}
