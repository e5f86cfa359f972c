import { once } from 'node:events';
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { Exchange, type SseEvent } from '../../src/conform/exchange.ts';
import type { App } from '../../src/server/index.ts';

type Json = Record<string, unknown>;

/** One thing that a server gets wrong. What is not given stays as it is. */
export interface Fault {
  readonly name: string;
  /** Only requests to paths that begin with this. */
  readonly path: string;
  /** Whether a request is answered wrongly; default: all. */
  readonly when?: (request: Json) => boolean;
  /** What the server believes to have been asked. */
  readonly request?: (request: Json) => Json;
  readonly status?: (status: number) => number;
  readonly body?: (body: Json) => unknown;
  readonly text?: (text: string) => string;
  readonly events?: (events: SseEvent[]) => SseEvent[];
  readonly lines?: (lines: Json[]) => Json[];
  readonly withoutHeader?: string;
}

export interface FaultyServer {
  readonly url: string;
  /** Undefined: none. */
  fault: Fault | undefined;
  close(): Promise<void>;
}

/** The real routes, answering with one fault at a time. Replies are kept from one fault to the next: only the first costs a turn. */
export async function faultyServer(app: App): Promise<FaultyServer> {
  const kept = new Map<string, Promise<Exchange>>();
  let counts = new Map<string, number>();
  let fault: Fault | undefined;

  /** The real reply; the n-th of several like requests is another than the first. */
  const real = (method: string, path: string, body: string | undefined): Promise<Exchange> => {
    const request = `${method} ${path} ${body}`;
    const count = counts.get(request) ?? 0;
    counts.set(request, count + 1);
    const key = `${count} ${request}`;
    const found = kept.get(key) ?? ask(app, method, path, body);
    kept.set(key, found);
    return found;
  };

  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const text = request.method === 'POST' ? await request.text() : undefined;
    const asked = parse(text);
    const isFaulty = fault && pathname.startsWith(fault.path) && (fault.when?.(asked ?? {}) ?? true);
    const sent = isFaulty && fault?.request && asked ? JSON.stringify(fault.request(asked)) : text;
    const exchange = await real(request.method, pathname, sent);
    return isFaulty && fault ? spoil(exchange, fault) : respond(exchange, exchange.body);
  };

  const server = serve({ fetch: answer, hostname: '127.0.0.1', port: 0, overrideGlobalObjects: false }) as Server;
  if (!server.listening) await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    get fault() {
      return fault;
    },
    set fault(next) {
      fault = next;
      counts = new Map();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function ask(app: App, method: string, path: string, body: string | undefined): Promise<Exchange> {
  const headers = { 'content-type': 'application/json', host: '127.0.0.1' };
  const response = await app.request(path, { method, headers, ...(body === undefined ? {} : { body }) });
  return new Exchange(response.status, response.headers, await response.text());
}

function spoil(exchange: Exchange, { status, body, text, events, lines, withoutHeader }: Fault): Response {
  let { body: spoilt } = exchange;
  if (events && exchange.contentType.startsWith('text/event-stream'))
    spoilt = events(exchange.events).map(format).join('');
  if (lines && exchange.contentType.includes('ndjson')) {
    spoilt = lines(exchange.lines as Json[])
      .map((line) => `${JSON.stringify(line)}\n`)
      .join('');
  }
  if (body && exchange.contentType.includes('application/json')) spoilt = JSON.stringify(body(exchange.json as Json));
  if (text) spoilt = text(spoilt);
  return respond(exchange, spoilt, status?.(exchange.status), withoutHeader);
}

function respond({ status, headers }: Exchange, body: string, as = status, without?: string): Response {
  const sent = new Headers(headers);
  if (without !== undefined) sent.delete(without);
  return new Response(body, { status: as, headers: sent });
}

function format({ event, data }: SseEvent): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`;
}

/** Undefined for what is no JSON: that is nobody's to change. */
function parse(text: string | undefined): Json | undefined {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
