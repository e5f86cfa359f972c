import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { fixtureServer } from './mcp-fixture.ts';

export interface McpHttpFixture {
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** What came, `POST /mcp`, and its headers. */
  readonly requests: readonly { readonly line: string; readonly headers: IncomingMessage['headers'] }[];
  /** Forgets all sessions, as a restart does. */
  forget(): void;
  close(): Promise<void>;
}

/** The fixture over HTTP: `/mcp` with sessions, `/sse` as servers were before it; others move, refuse, and answer without end. */
export async function mcpHttp(): Promise<McpHttpFixture> {
  const requests: { line: string; headers: IncomingMessage['headers'] }[] = [];
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const streams = new Map<string, SSEServerTransport>();

  async function streamable(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    if (id !== undefined && known === undefined) {
      response.writeHead(404).end();
      return;
    }
    const transport =
      known ??
      new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (session) => void sessions.set(session, transport),
      });
    if (known === undefined) await fixtureServer().connect(transport as Transport);
    await transport.handleRequest(request, response);
  }

  async function old(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET') {
      response.writeHead(405).end();
      return;
    }
    const transport = new SSEServerTransport('/messages', response);
    streams.set(transport.sessionId, transport);
    await fixtureServer().connect(transport);
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    requests.push({ line: `${request.method} ${url.pathname}`, headers: request.headers });
    if (url.pathname === '/mcp') void streamable(request, response);
    else if (url.pathname === '/sse') void old(request, response);
    else if (url.pathname === '/messages') {
      void streams.get(url.searchParams.get('sessionId') ?? '')?.handlePostMessage(request, response);
    } else if (url.pathname === '/moved') response.writeHead(307, { location: 'http://example.invalid/mcp' }).end();
    else if (url.pathname === '/secret') response.writeHead(401).end('who are you?');
    else if (url.pathname === '/endless') pour(response);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    forget: () => sessions.clear(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pour(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const block = 'x'.repeat(1024 * 1024);
  const more = (): void => {
    while (!response.destroyed && response.write(block));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}
