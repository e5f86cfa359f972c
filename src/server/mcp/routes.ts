import { type Problem, problemOf } from '../../api/index.ts';
import type { RouteGroup } from '../app.ts';
import type { RequestContext } from '../context.ts';
import { parse, readText } from '../http/body.ts';
import type { McpCaller, McpService } from './service.ts';
import { type Session, Sessions } from './sessions.ts';

const PATH = '/mcp';
const SESSION = 'mcp-session-id';

/**
 * The streamable HTTP transport of MCP. Every request is answered by a server of its own; a session only lets a later request
 * cancel an earlier one, and clients without one are served as well. Nothing is ever sent unasked, so there is no GET.
 */
export const mcpRoutes: RouteGroup = {
  register(app, service) {
    const sessions = new Sessions();
    app.post(PATH, async (c) => {
      const body = parse(await readText(c));
      const messages = Array.isArray(body) ? body : [body];
      const session = messages.some(isInitialize) ? sessions.begin(c.get('client')) : known(c, sessions);
      if (session === 'unknown') return noSession(c);
      for (const id of messages.flatMap(cancelledId)) session?.cancel(id);
      const response = await answer(c, body, service, session);
      if (session !== undefined && response.ok) response.headers.set(SESSION, session.id);
      return response;
    });
    app.delete(PATH, (c) => {
      const session = known(c, sessions);
      if (session === 'unknown' || session === undefined) return noSession(c);
      sessions.end(session);
      return c.body(null, 204);
    });
  },
  errors: {
    prefix: PATH,
    reply(error) {
      const problem = problemOf(error);
      return { status: problem.status, body: rpcError(codeOf(problem), problem.message) };
    },
  },
  docs: [
    { method: 'post', path: PATH, summary: 'Ossia as an MCP server: the tools chat, list_models, count_tokens' },
    { method: 'delete', path: PATH, summary: 'Ends a session' },
  ],
};

async function answer(
  c: RequestContext,
  body: unknown,
  service: McpService,
  session: Session | undefined,
): Promise<Response> {
  const { WebStandardStreamableHTTPServerTransport } = await import(
    '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
  );
  const { createMcpServer } = await import('./server.ts');
  const transport = new WebStandardStreamableHTTPServerTransport({});
  const enter: McpCaller['enter'] = (id, stop) => {
    const over = session?.enter(id, () => {
      stop();
      transport.close().catch(() => {}); // what is cancelled gets no answer, and its stream ends
    });
    return () => over?.();
  };
  const server = createMcpServer(service, { client: c.get('client'), signal: c.get('signal'), enter });
  await server.connect(transport as Parameters<typeof server.connect>[0]);
  return await transport.handleRequest(c.req.raw, { parsedBody: body });
}

/** The session that a request names; undefined: it names none. */
function known(c: RequestContext, sessions: Sessions): Session | 'unknown' | undefined {
  const id = c.req.header(SESSION);
  return id === undefined ? undefined : (sessions.find(id, c.get('client')) ?? 'unknown');
}

function noSession(c: RequestContext): Response {
  return c.json(rpcError(-32001, 'There is no such session: initialize again'), 404);
}

function isInitialize(message: unknown): boolean {
  return (message as { method?: unknown } | null)?.method === 'initialize';
}

function cancelledId(message: unknown): readonly unknown[] {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { requestId?: unknown } | null };
  return method === 'notifications/cancelled' ? [params?.requestId] : [];
}

function codeOf({ status }: Problem): number {
  return status < 500 ? -32600 : -32603;
}

function rpcError(code: number, message: string): object {
  return { jsonrpc: '2.0', error: { code, message }, id: null };
}
