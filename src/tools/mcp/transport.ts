import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { boundedFetch, type Fetch } from './bounded-fetch.ts';
import { ProgramTransport } from './program.ts';
import type { McpAddress, McpProgram, McpServer } from './types.ts';

export interface TransportOptions {
  readonly log: (line: string) => void;
  readonly fetch: Fetch;
  /** Called when an answer breaks off. */
  readonly onBroken: (error: Error) => void;
}

/** Bytes of one message: room for a few pictures. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** The ways to talk to a server, in the order in which they are tried. */
export function transportsOf(server: McpServer): readonly ((options: TransportOptions) => Promise<Transport>)[] {
  if (server.type === 'stdio') return [(options) => programTransport(server, options)];
  if (server.type === 'http') return [(options) => httpTransport(server, options)];
  if (server.type === 'sse') return [(options) => sseTransport(server, options)];
  return [(options) => httpTransport(server, options), (options) => sseTransport(server, options)];
}

/** Whether a server does not speak what was tried, and may speak what came before it. */
export function speaksAnother(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'number' && [-1, 400, 404, 405, 406, 415, 501].includes(code);
}

async function programTransport(server: McpProgram, { log }: TransportOptions): Promise<Transport> {
  if (process.platform !== 'win32') return new ProgramTransport(server, { log, maxMessageBytes: MAX_MESSAGE_BYTES });
  // There `npx` is a script that only a shell starts, which the library sees to; process groups are unknown.
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
  const { command, args, env, cwd } = server;
  return new StdioClientTransport({
    command,
    args: [...args],
    env: { ...env },
    stderr: 'ignore',
    maxBufferSize: MAX_MESSAGE_BYTES,
    ...(cwd === undefined ? {} : { cwd }),
  });
}

async function httpTransport({ url, headers }: McpAddress, { fetch, onBroken }: TransportOptions): Promise<Transport> {
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  return new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { ...headers } },
    fetch: boundedFetch({ fetch, maxMessageBytes: MAX_MESSAGE_BYTES, onBroken }),
  }) as Transport; // its `sessionId` may be undefined where the interface says absent
}

async function sseTransport({ url, headers }: McpAddress, { fetch, onBroken }: TransportOptions): Promise<Transport> {
  const { SSEClientTransport } = await import('@modelcontextprotocol/sdk/client/sse.js');
  return new SSEClientTransport(new URL(url), {
    requestInit: { headers: { ...headers } },
    fetch: boundedFetch({ fetch, maxMessageBytes: MAX_MESSAGE_BYTES, onBroken }),
  });
}
