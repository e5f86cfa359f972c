import {
  approvalBody,
  badRequest,
  ConsoleTurns,
  consoleError,
  conversationBody,
  json,
  nameBody,
  renderTurn,
  routingBody,
  routingOf,
  turnBody,
} from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import type { App, RouteGroup } from '../app.ts';
import type { Middleware, RequestContext, ServerContext } from '../context.ts';
import { readBody } from '../http/body.ts';
import { send } from '../http/send.ts';
import { docs } from './docs.ts';
import { ConsoleState } from './state.ts';
import { toolList } from './tool-list.ts';

/** What the console asks of the server. */
export const consoleRoutes: RouteGroup = {
  errors: { prefix: '/ossia/', reply: consoleError },
  register(app, context) {
    app.use('/ossia/*', onlyJson);
    turnRoutes(app, context);
    const state = context.console ?? new ConsoleState(context);
    modelRoutes(app, context, state);
    statsRoutes(app, state);
    app.get('/ossia/tools', async () => send(json(await toolList(context.tools ?? []))));
  },
  docs,
};

function turnRoutes(app: App, { host, turns, tools = [] }: ServerContext): void {
  const service = { host, turns, tools };
  const running = new ConsoleTurns(service);
  app.post('/ossia/turns', async (c) => send(await running.start(await readBody(c, turnBody), callerOf(c))));
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
  app.post('/ossia/render', async (c) => send(await renderTurn(await readBody(c, turnBody), service, callerOf(c))));
  app.post('/ossia/routing', async (c) => send(await routingOf(await readBody(c, routingBody), service, callerOf(c))));
}

function modelRoutes(app: App, { host }: ServerContext, state: ConsoleState): void {
  const nameOf = async (c: RequestContext) => (await readBody(c, nameBody)).name;
  app.get('/ossia/models', async () => send(json(await state.models())));
  app.post('/ossia/models/load', async (c) => {
    (await host.lend(await nameOf(c), { signal: c.get('signal') })).release();
    return send(json({ ok: true }));
  });
  app.post('/ossia/models/unload', async (c) => {
    if (!host.unload) throw new OssiaError('api/unsupported', 'This server unloads no models');
    await host.unload(await nameOf(c)); // one that was not loaded is as it should be
    return send(json({ ok: true }));
  });
  app.post('/ossia/models/pull', async (c) => send(json(state.pulls.start(await nameOf(c)), 202)));
  app.post('/ossia/models/pull/cancel', async (c) => done(state.pulls.cancel(await nameOf(c)), c));
}

function statsRoutes(app: App, { stats }: ConsoleState): void {
  app.get('/ossia/stats', (c) => {
    const since = numberOf(c, 'since') ?? 0;
    const step = numberOf(c, 'step') ?? 1;
    if (step !== 1 && step !== 10 && step !== 60) throw badRequest('step: expected 1, 10 or 60 seconds', 'step');
    return send(json(stats.stats(since, step)));
  });
  app.get('/ossia/stats/live', (c) => send({ type: 'sse', events: stats.live(c.get('signal')) }));
}

function numberOf(c: RequestContext, name: string): number | undefined {
  const text = c.req.query(name);
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw badRequest(`${name}: expected a number, 0 or more, got "${text.slice(0, 40)}"`, name);
}

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
