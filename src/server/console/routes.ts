import { consoleError, consoleTurn, json, turnBody } from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import type { RouteGroup } from '../app.ts';
import type { Middleware, RequestContext } from '../context.ts';
import { readBody } from '../http/body.ts';
import { send } from '../http/send.ts';

/** What the console asks of the server. */
export const consoleRoutes: RouteGroup = {
  errors: { prefix: '/ossia/', reply: consoleError },
  register(app, { host, turns }) {
    app.use('/ossia/*', onlyJson);
    app.post('/ossia/turns', async (c) =>
      send(await consoleTurn(await readBody(c, turnBody), { host, turns }, callerOf(c))),
    );
    app.post('/ossia/turns/:id/stop', (c) => done(turns.stop(c.req.param('id')), c));
    app.post('/ossia/turns/:id/answer-now', (c) => done(turns.answerNow(c.req.param('id')), c));
  },
  docs: [
    {
      method: 'post',
      path: '/ossia/turns',
      summary: 'A turn of the console, token by token where it is traced',
      request: turnBody,
      stream: 'sse',
    },
    { method: 'post', path: '/ossia/turns/:id/stop', summary: 'Ends a running turn with what there is so far' },
    { method: 'post', path: '/ossia/turns/:id/answer-now', summary: 'Ends the thoughts of a running turn' },
  ],
};

/** Forms and scripts of other pages can send everything but this without asking first. */
const onlyJson: Middleware = async (c, next) => {
  const type = c.req.header('content-type') ?? '';
  if (c.req.method === 'POST' && !/^application\/json\s*(?:;|$)/i.test(type)) {
    const found = type === '' ? 'no content-type' : `the content-type ${JSON.stringify(type.slice(0, 80))}`;
    throw new OssiaError('server/unsupported-media-type', `Cannot read a body with ${found}`);
  }
  await next();
};

function done(isFound: boolean, c: RequestContext): Response {
  if (isFound) return send(json({ ok: true }));
  throw new OssiaError('api/not-found', `There is no running turn ${(c.req.param('id') ?? '').slice(0, 100)}`);
}

function callerOf(c: RequestContext): { readonly client: string; readonly signal: AbortSignal } {
  return { client: c.get('client'), signal: c.get('signal') };
}
