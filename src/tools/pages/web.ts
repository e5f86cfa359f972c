import { lookup as lookupHost } from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { version } from '../../base/index.ts';
import { allows, checkUrl, isPublic, type PrivateHosts, refused } from './addresses.ts';
import { readBody } from './body.ts';
import { type FetchedPage, type FetchPage, PageError } from './page.ts';

export interface WebOptions {
  readonly allowPrivate?: PrivateHosts;
  /** Bytes of a page at most, as it comes and unpacked. Default 5 MB. */
  readonly maxBytes?: number;
  readonly maxRedirects?: number;
  /** Milliseconds for a page with all its redirects. Default 15,000. */
  readonly timeoutMs?: number;
  /** Stands in for the system's resolver, in tests. */
  readonly lookup?: typeof lookupHost;
}

/** Fetches pages over HTTP from public addresses only. Rejects with a PageError, or with the signal's reason. */
export function openWeb(options: WebOptions = {}): FetchPage {
  const { timeoutMs = 15_000, maxRedirects = 5 } = options;
  return async (address, signal) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    const either = AbortSignal.any([signal, deadline]);
    try {
      let url = checkUrl(address, options.allowPrivate ?? []);
      for (let redirects = 0; redirects <= maxRedirects; redirects++) {
        const answer = await fetchOnce(url, options, either);
        if ('body' in answer) return answer;
        url = checkUrl(answer.location, options.allowPrivate ?? []);
      }
      throw new PageError(`There are more than ${maxRedirects} redirects, the last one to ${url.href}`);
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.aborted) throw new PageError(`No answer within ${timeoutMs / 1000} seconds`);
      throw error instanceof PageError ? error : new PageError(explain(error), { cause: error });
    }
  };
}

const redirectStatuses = new Set([301, 302, 303, 307, 308]);

async function fetchOnce(
  url: URL,
  options: WebOptions,
  signal: AbortSignal,
): Promise<FetchedPage | { readonly location: string }> {
  const response = await send(url, options, signal);
  try {
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (redirectStatuses.has(status) && location)
      return { location: URL.canParse(location, url.href) ? new URL(location, url).href : location };
    if (status !== 200)
      throw new PageError(`The server answered with HTTP ${status} ${response.statusMessage ?? ''}`.trim());
    const body = await readBody(response, options.maxBytes ?? 5_000_000, signal);
    return { url: url.href, contentType: response.headers['content-type'] ?? '', body };
  } finally {
    response.destroy();
  }
}

function send(url: URL, options: WebOptions, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request: ClientRequest = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      agent: false, // a connection of its own, so that none is reused that was made for another host
      lookup: guardedLookup(url, options),
      signal,
      headers: {
        'user-agent': `Ossia/${version()}`,
        accept: 'text/html,application/xhtml+xml,text/plain;q=0.9,text/markdown;q=0.9,application/json;q=0.8,*/*;q=0.1',
        'accept-encoding': 'gzip, deflate, br',
        'accept-language': 'en,*;q=0.5',
      },
    });
    request.on('response', resolve);
    request.on('error', reject);
    // A server that answers nothing but "go on", or asks for another protocol, is not a web server.
    request.on('upgrade', (_, socket) => socket.destroy(new Error('The server changed the protocol')));
    request.end();
  });
}

/** Resolves names and lets only public addresses through; the connection is made to the very addresses that it returns. */
export function guardedLookup(url: URL, options: Pick<WebOptions, 'allowPrivate' | 'lookup'>): LookupFunction {
  const resolve = options.lookup ?? lookupHost;
  const mayBePrivate = allows(options.allowPrivate ?? [], url);
  return (host, { all, family }, callback) => {
    resolve(host, { all: true, ...(family !== undefined && { family }) }, (error, addresses) => {
      if (error) return callback(error, [], 0);
      const bad = addresses.find(({ address }) => !isPublic(address));
      if (bad && !mayBePrivate) return callback(refused(host, bad.address) as NodeJS.ErrnoException, [], 0);
      const [first] = addresses;
      if (!first) return callback(new PageError(`The name ${host} has no address`) as NodeJS.ErrnoException, [], 0);
      if (all) callback(null, addresses, 0);
      else callback(null, first.address, first.family);
    });
  };
}

function explain(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `The name of the server cannot be resolved (${code})`;
  if (code === 'ECONNREFUSED') return 'The server does not accept connections';
  if (code.startsWith('HPE_')) return `The server does not speak HTTP as it should (${code})`;
  return `The page could not be fetched: ${error instanceof Error ? error.message : String(error)}`;
}
