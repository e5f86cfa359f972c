import { json } from '../../api/index.ts';
import type { RouteGroup } from '../app.ts';
import { send } from '../http/send.ts';

export interface ProbeOptions {
  /** Why the server is not ready for requests; undefined when it is. Default: it always is. */
  readonly notReady?: () => Promise<string | undefined>;
}

/** What orchestrators, load balancers and people ask first. */
export function probeRoutes({ notReady }: ProbeOptions = {}): RouteGroup {
  return {
    register(app, { version }) {
      app.get('/health', () => send(json({ status: 'ok' })));
      app.get('/ready', async () => {
        const reason = await notReady?.();
        return send(reason === undefined ? json({ status: 'ready' }) : json({ status: 'not ready', reason }, 503));
      });
      app.get('/version', () => send(json({ version })));
      // SageMaker's health check.
      app.get('/ping', () => new Response(null, { status: 200 }));
      // Clients of Ollama look for its words here.
      app.get('/', (c) => c.text('Ossia is running. (For clients of Ollama: Ollama is running)\n'));
    },
    docs: [
      { method: 'get', path: '/health', summary: 'The server is alive' },
      { method: 'get', path: '/ready', summary: 'The server takes requests: 200, else 503 and the reason' },
      { method: 'get', path: '/version', summary: 'The version of Ossia' },
      { method: 'get', path: '/ping', summary: "SageMaker's health check" },
      { method: 'get', path: '/', summary: 'A line of text for people' },
    ],
  };
}
