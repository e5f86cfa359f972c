import { json, ollama } from '../../api/index.ts';
import type { RouteGroup } from '../app.ts';
import type { RequestContext } from '../context.ts';
import { readBody } from '../http/body.ts';
import { send } from '../http/send.ts';

/** Ollama's API, so that what speaks it works by changing a port. */
export const ollamaRoutes: RouteGroup = {
  errors: { prefix: '/api/', reply: ollama.ollamaError },
  register(app, { host, turns }) {
    const state = ollama.ollamaState({ host, turns });
    app.get('/api/version', () => send(json({ version: ollama.OLLAMA_VERSION })));
    app.get('/api/tags', async () => send(await ollama.tags(host)));
    app.get('/api/ps', async () => send(await ollama.ps(host)));
    app.post('/api/chat', async (c) => send(await ollama.chat(await readBody(c, ollama.chatSchema), state, asker(c))));
    app.post('/api/generate', async (c) =>
      send(await ollama.generate(await readBody(c, ollama.generateSchema), state, asker(c))),
    );
  },
};

function asker(c: RequestContext): ollama.OllamaRequest {
  return { id: c.get('requestId'), client: c.get('client'), signal: c.get('signal') };
}
