import type { IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Readable } from 'node:stream';
import { checkUrl } from './addresses.ts';
import { guardedLookup, type WebOptions } from './web.ts';

export type GuardedFetchOptions = Pick<WebOptions, 'allowPrivate' | 'lookup'>;

/** Answers that have no body. */
const BODILESS = new Set([101, 103, 204, 205, 304]);

/**
 * A `fetch` for addresses that strangers name: it connects to public ones only, whatever a name resolves to, and follows no
 * redirect. Takes texts and bytes as bodies. Rejects with a PageError for an address that is refused.
 */
export function guardedFetch(
  options: GuardedFetchOptions = {},
): (url: string | URL, init?: RequestInit) => Promise<Response> {
  return async (address, init = {}) => {
    const url = checkUrl(String(address), options.allowPrivate ?? []);
    const response = await send(url, init, options);
    try {
      return responseOf(response);
    } catch (error) {
      response.destroy(); // a status or a header that cannot be: nobody would read the rest
      throw error;
    }
  };
}

function responseOf(response: IncomingMessage): Response {
  const status = response.statusCode ?? 0;
  const headers = Object.entries(response.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  if (BODILESS.has(status)) response.resume();
  const body = BODILESS.has(status) ? null : (Readable.toWeb(response) as ReadableStream<Uint8Array>);
  return new Response(body, { status: status === 101 ? 204 : status, headers });
}

function send(url: URL, init: RequestInit, options: GuardedFetchOptions): Promise<IncomingMessage> {
  const { method = 'GET', body, signal } = init;
  const given = Object.fromEntries(new Headers(init.headers));
  return new Promise((resolve, reject) => {
    if (body != null && typeof body !== 'string' && !(body instanceof Uint8Array)) {
      throw new TypeError('Expected the body to be a text or bytes');
    }
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method,
      agent: false, // a connection of its own, so that none is reused that was made for another host
      lookup: guardedLookup(url, options),
      headers: { ...given, 'accept-encoding': 'identity' },
      ...(signal ? { signal } : {}),
    });
    request.on('response', resolve);
    request.on('error', reject);
    request.on('upgrade', (_, socket) => socket.destroy(new Error('The server changed the protocol')));
    request.end(body ?? undefined);
  });
}
