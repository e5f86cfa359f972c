import {
  approvalBody,
  ConsoleTurns,
  consoleError,
  conversationBody,
  json,
  renderTurn,
  turnBody,
} from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import type { RouteGroup } from '../app.ts';
import type { Middleware, RequestContext } from '../context.ts';
import { readBody } from '../http/body.ts';
import { send } from '../http/send.ts';

/** What the console asks of the server. */
export const consoleRoutes: RouteGroup = {
  errors: { prefix: '/ossia/', reply: consoleError },
  register(app, { host, turns, tools = [] }) {
    const service = { host, turns, tools };
    const running = new ConsoleTurns(service);
    app.use('/ossia/*', onlyJson);
    app.post('/ossia/turns', async (c) => send(await running.start(await readBody(c, turnBody), callerOf(c))));
    app.post('/ossia/render', async (c) => send(await renderTurn(await readBody(c, turnBody), service, callerOf(c))));
    app.post('/ossia/turns/:id/stop', (c) => done(running.stop(c.req.param('id')), c));
    app.post('/ossia/turns/:id/answer-now', (c) => done(running.answerNow(c.req.param('id')), c));
    app.post('/ossia/turns/:id/approvals/:callId', async (c) => {
      const { id, callId } = c.req.param();
      return done(running.approve(id, callId, await readBody(c, approvalBody)), c);
    });
    app.post('/ossia/conversations/forget', async (c) => {
      running.forget((await readBody(c, conversationBody)).conversation, callerOf(c));
      return send(json({ ok: true }));
    });
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
    {
      method: 'post',
      path: '/ossia/turns/:id/approvals/:callId',
      summary: 'Says whether a call that waits for a person may run',
      request: approvalBody,
    },
    {
      method: 'post',
      path: '/ossia/conversations/forget',
      summary: 'Lets go of what tools keep for a conversation',
      request: conversationBody,
    },
    { method: 'post', path: '/ossia/render', summary: 'What the model would be given for a turn', request: turnBody },
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
  throw new OssiaError('api/not-found', `Nothing of ${c.req.path.slice(0, 200)} runs or waits`);
}

function callerOf(c: RequestContext): { readonly client: string; readonly signal: AbortSignal } {
  return { client: c.get('client'), signal: c.get('signal') };
}
