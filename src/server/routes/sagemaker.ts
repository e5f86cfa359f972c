import { badRequest } from '../../api/index.ts';
import type { App, RouteGroup } from '../app.ts';
import type { RequestContext } from '../context.ts';
import { parse, readText } from '../http/body.ts';

/** What a body holds, and whose body it then is. */
const DESTINATIONS = [
  ['messages', '/v1/chat/completions'],
  ['prompt', '/v1/completions'],
  ['input', '/v1/responses'],
] as const;

/** SageMaker sends everything to one path. */
export const sageMakerRoutes: RouteGroup = {
  register(app) {
    app.post('/invocations', async (c) => {
      const text = await readText(c);
      return await sendOn(app, c, destinationOf(parse(text)), text);
    });
  },
  docs: [
    {
      method: 'post',
      path: '/invocations',
      summary: 'Chat Completions (a body with messages), Completions (prompt) or Responses (input), for SageMaker',
      stream: 'sse',
    },
  ],
};

function destinationOf(body: unknown): string {
  const keys = typeof body === 'object' && body !== null ? body : {};
  const found = DESTINATIONS.find(([key]) => Object.hasOwn(keys, key));
  if (found === undefined) throw badRequest('The body has none of messages, prompt and input');
  return found[1];
}

/** Answers as another path of this server would; keys and limits have already been seen to. */
async function sendOn(app: App, c: RequestContext, path: string, body: string): Promise<Response> {
  const within = { requestId: c.get('requestId'), client: c.get('client'), signal: c.get('signal') };
  const headers = new Headers([...c.req.raw.headers]);
  for (const name of ['content-length', 'transfer-encoding', 'connection']) headers.delete(name);
  const request = new Request(new URL(path, c.req.url), { method: 'POST', headers, body, signal: within.signal });
  return await app.fetch(request, { ...c.env, within });
}
