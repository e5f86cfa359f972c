import { type Host, Turns } from '../api/index.ts';
import { OssiaError } from '../base/index.ts';
import { TurnMemory } from '../chat/index.ts';
import { type App, createApp, type RouteGroup } from './app.ts';
import type { Middleware, ServerContext } from './context.ts';
import { parse, readText } from './http/body.ts';
import { type Logger, silent } from './log.ts';
import { probeRoutes } from './routes/probes.ts';

/** A host without models, for what needs none. */
export const emptyHost: Host = {
  async lend(name) {
    throw new OssiaError('api/unknown-model', `There is no ${name ?? 'model'}`);
  },
  models: async () => [],
};

/** Routes that say what reached them. */
export const echoRoutes: RouteGroup = {
  register(app) {
    app.get('/client', (c) => c.text(c.get('client')));
    app.get('/id', (c) => c.text(c.get('requestId')));
    app.get('/items/:id', (c) => c.json({ id: c.req.param('id') }));
    app.post('/echo', async (c) => c.text(await readText(c)));
    app.post('/json', async (c) => c.json(parse(await readText(c))));
    app.get('/crash', () => {
      throw new TypeError('the secret inside');
    });
  },
};

/** Some middleware before routes that echo and probes, and others that come first; no model, no port. */
export function appWith(guards: readonly Middleware[], log: Logger = silent, groups: readonly RouteGroup[] = []): App {
  const turns = new Turns({ memory: new TurnMemory() });
  const context: ServerContext = { host: emptyHost, turns, log, version: '1.2.3' };
  return createApp(context, [...groups, probeRoutes(), echoRoutes], guards);
}

/** Keeps what is logged. */
export function keepLog(): Logger & { readonly lines: { level: string; message: string; fields: object }[] } {
  const lines: { level: string; message: string; fields: object }[] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

export interface SaidError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string;
}

/** What a reply says went wrong, in OpenAI's words. */
export async function errorOf(reply: Response): Promise<SaidError> {
  const { error } = (await reply.json()) as { error: SaidError };
  return error;
}
