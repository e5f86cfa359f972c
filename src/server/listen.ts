import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server';
import { openAiError } from '../api/index.ts';
import { OssiaError } from '../base/index.ts';
import type { RequestState } from './context.ts';
import { describeHttpError, replyRaw } from './http/raw-reply.ts';
import { newRequestId } from './http/request-id.ts';
import { send } from './http/send.ts';
import type { Logger } from './log.ts';

export interface ListenOptions {
  readonly hostname: string;
  /** 0: any that is free. */
  readonly port: number;
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Connections beyond these are told so and closed. */
  readonly maxConnections: number;
  /** How long the headers of a request, and the whole of it, may take to arrive, in ms. */
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly log: Logger;
}

const MAX_HEADER_BYTES = 32 * 1024;
/** Longer than load balancers keep theirs, so that it is never we who close a connection as a request comes in. */
const KEEP_ALIVE_MS = 75_000;
/** Connections that are let in to be told that there are too many. */
const REFUSABLE = 100;

/** What answers: an app, or what stands before one. */
export type Fetch = (request: Request, env: RequestState['Bindings']) => Promise<Response>;

/** Gives it a port. Throws `server/cannot-listen`. */
export async function listen(fetch: Fetch, options: ListenOptions): Promise<{ server: Server; url: string }> {
  const { hostname, port, tls, headersTimeoutMs, bodyTimeoutMs } = options;
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    requireHostHeader: false, // it is refused here, in our words
    headersTimeout: Math.min(headersTimeoutMs, bodyTimeoutMs),
    requestTimeout: bodyTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(5000, bodyTimeoutMs),
  };
  const server = tls ? createTls({ ...limits, ...tls }) : createServer(limits);
  answer(server, fetch, options);
  server.listen(port, hostname);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new OssiaError('server/cannot-listen', `Cannot listen on ${hostname}:${port}: ${found}`, { cause });
  }
  return { server, url: urlOf(hostname, server.address() as AddressInfo, tls !== undefined) };
}

function createTls(options: Parameters<typeof createTlsServer>[0]): Server {
  try {
    return createTlsServer(options);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new OssiaError('server/bad-option', `Cannot use this TLS certificate and key: ${found}`, { cause });
  }
}

function answer(server: Server, fetch: Fetch, { maxConnections, log }: ListenOptions): void {
  const connections = new Connections(maxConnections);
  const listener = getRequestListener((request, env) => fetch(request, env as HttpBindings), {
    hostname: 'localhost', // of HTTP/1.0 requests, which may name none
    overrideGlobalObjects: false,
    errorHandler: unreadable,
  });
  server.maxConnections = maxConnections + REFUSABLE;
  server.on('connection', (socket: Socket) => connections.add(socket));
  server.on('drop', () => log.warn({ maxConnections }, 'a connection was dropped: there are too many'));
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    connections.open(request.socket, response);
    if (connections.refuses(request.socket)) {
      log.warn({ maxConnections }, 'a connection was refused: there are too many');
      replyRaw(request.socket, new OssiaError('server/too-many-requests', 'There are too many connections'));
    } else if (request.headers.host === undefined && request.httpVersion === '1.1') {
      replyRaw(request.socket, new OssiaError('server/bad-http', 'The request has no Host header'));
    } else listener(request, response);
  };
  server.on('request', onRequest);
  server.on('checkExpectation', onRequest); // other than 100-continue: expectations need not be met
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || connections.isAnswering(socket)) return void socket.destroy(error);
    replyRaw(socket, describeHttpError(error));
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    replyRaw(socket, new OssiaError('server/method-not-allowed', 'This server is no proxy: it does not take CONNECT'));
  });
}

/** A request that node could read and the router could not: no such URL, no such host. */
function unreadable(error: unknown): Response {
  const known = new OssiaError('server/bad-http', 'The URL or the Host header of the request is malformed');
  const response = send({ type: 'error', ...openAiError(error instanceof RequestError ? known : error) });
  response.headers.set('x-request-id', newRequestId());
  return response;
}

/** Sockets, and what is being written to them. */
class Connections {
  readonly #max: number;
  #count = 0;
  readonly #refused = new WeakSet<Duplex>();
  readonly #responses = new WeakMap<Duplex, ServerResponse>();

  constructor(max: number) {
    this.#max = max;
  }

  add(socket: Socket): void {
    if (++this.#count > this.#max) this.#refused.add(socket);
    socket.once('close', () => {
      this.#count--;
    });
  }

  refuses(socket: Socket): boolean {
    return this.#refused.has(plain(socket));
  }

  open(socket: Socket, response: ServerResponse): void {
    this.#responses.set(socket, response);
  }

  /** Whether bytes of a reply are on their way, which other bytes would spoil. */
  isAnswering(socket: Duplex): boolean {
    const response = this.#responses.get(socket);
    return response?.headersSent === true && !response.writableFinished;
  }
}

/** The TCP socket under a TLS one. */
function plain(socket: Socket & { readonly _parent?: Socket }): Socket {
  return socket._parent ?? socket;
}

function urlOf(hostname: string, { port, family }: AddressInfo, tls: boolean): string {
  const everywhere = hostname === '0.0.0.0' || hostname === '::' || hostname === '';
  const host = everywhere ? 'localhost' : hostname.includes(':') && family === 'IPv6' ? `[${hostname}]` : hostname;
  return `${tls ? 'https' : 'http'}://${host}:${port}`;
}
