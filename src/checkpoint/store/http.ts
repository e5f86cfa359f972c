import { OssiaError } from '../../base/index.ts';
import { pause, type RetryOptions, retryDelay, TransientError, Watchdog } from './retry.ts';

const MAX_REDIRECTS = 8;
const DEFAULT_STALL_MS = 30_000;
/** A page of the hub's listing has a thousand files, some 300 KB. */
const MAX_LISTING_BYTES = 32 << 20;

export interface HttpOptions extends RetryOptions {
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly signal?: AbortSignal | undefined;
}

/** The last response of a chain of redirects. */
export interface Answer {
  readonly response: Response;
  /** The published digest, which the hub names on its own hop and a CDN does not: `X-Linked-Etag`, else its `ETag`. */
  readonly etag: string | undefined;
  /** Whether it came from the endpoint itself. */
  readonly fromHub: boolean;
}

/**
 * HTTP to one hub. Redirects are followed here and not by fetch, so that the token goes to the endpoint's own origin
 * and to no other, whatever a redirect or a Link header says.
 */
export class HubHttp {
  readonly #options: HttpOptions;
  readonly #origin: string;
  /** `fetch` for @huggingface/hub: adds the token, follows redirects, retries, and throws Ossia's errors. */
  readonly fetch: typeof globalThis.fetch;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#origin = parseEndpoint(options.endpoint).origin;
    this.fetch = (input, init) => this.#request(input instanceof Request ? input.url : String(input), init);
  }

  get stallMs(): number {
    return this.#options.stallMs ?? DEFAULT_STALL_MS;
  }

  /** One attempt, redirects included. Throws TransientError for what may pass, an OssiaError for what will not. */
  async send(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    let here = url;
    let etag: string | undefined;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const response = await this.#hop(here, headers, signal);
      const fromHub = new URL(here).origin === this.#origin;
      if (fromHub) etag = response.headers.get('x-linked-etag') ?? response.headers.get('etag') ?? etag;
      const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
      if (location === null) {
        if (!response.ok && response.status !== 416) await this.#refuse(response, here, fromHub);
        return { response, etag: etag?.replace(/^W\//, '').replaceAll('"', ''), fromHub };
      }
      await response.body?.cancel();
      here = followable(here, location);
    }
    throw new OssiaError('store/hostile', `Cannot download ${url}: it redirects more than ${MAX_REDIRECTS} times`);
  }

  async #hop(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const { token, fetch, signal: outer } = this.#options;
    const own = token !== undefined && new URL(url).origin === this.#origin;
    const all = own ? { ...headers, authorization: `Bearer ${token}` } : headers;
    try {
      return await fetch(url, { headers: all, redirect: 'manual', signal });
    } catch (error) {
      outer?.throwIfAborted();
      throw new TransientError('offline', `no answer from ${new URL(url).host} (${reasonOf(error)})`, { cause: error });
    }
  }

  /** Turns a refusal into the error that says what to do about it. */
  async #refuse(response: Response, url: string, fromHub: boolean): Promise<never> {
    const { status, headers } = response;
    await response.body?.cancel();
    const where = `${new URL(url).host}${new URL(url).pathname}`;
    const code = headers.get('x-error-code');
    const missing = code === 'RepoNotFound' || code === 'RevisionNotFound' || code === 'EntryNotFound';
    // A CDN says 403 when a signed address has grown old: the next attempt asks the hub for a new one.
    if (status === 408 || status === 429 || status >= 500 || (!fromHub && (status === 401 || status === 403))) {
      const retryAfterMs = retryAfter(headers.get('retry-after'));
      const options = retryAfterMs === undefined ? {} : { retryAfterMs };
      throw new TransientError('failed', `${where} answered ${status}`, options);
    }
    if (status === 404 || status === 410 || missing) {
      const hint = status === 401 ? ': there is no such repository, or it is private' : '';
      throw new OssiaError('store/unknown-model', `Cannot find ${where}: the hub answered ${status}${hint}`);
    }
    if (status === 401 || status === 403) {
      const token = this.#options.token === undefined ? 'no token was sent' : 'the token that was sent has no access';
      const why = code === 'GatedRepo' ? 'its owner asks readers to accept terms' : 'it is private, gated or absent';
      throw new OssiaError('store/forbidden', `Cannot read ${where}: ${why}, and ${token} (${status})`);
    }
    throw new OssiaError('store/failed', `Cannot read ${where}: it answered ${status}`);
  }

  /** A whole API request: few retries, since nobody wants to wait a minute to hear that the cable is out. */
  async #request(url: string, init: RequestInit | undefined): Promise<Response> {
    const { signal, retries = 5 } = this.#options;
    const headers = Object.fromEntries(new Headers(init?.headers));
    for (let failures = 0; ; ) {
      const watchdog = new Watchdog(this.stallMs, signal);
      try {
        const { response } = await this.send(url, headers, watchdog.signal);
        return new Response(await readWhole(response, url, signal), response);
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        if (++failures > Math.min(retries, 2)) throw settled(error, `Cannot ask ${new URL(url).host}`);
        await pause(retryDelay(error, failures, this.#options), signal);
      } finally {
        watchdog.stop();
      }
    }
  }
}

/** What to throw when an attempt failed for the last time. */
export function settled(error: TransientError, attempted: string): OssiaError {
  const code = error.kind === 'offline' ? 'store/offline' : 'store/failed';
  return new OssiaError(code, `${attempted}: ${error.message}`, { cause: error });
}

/** The innermost message of a failed fetch, which itself only says "fetch failed". */
export function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  const { code, message } = inner as NodeJS.ErrnoException;
  return message || code || String(inner);
}

function parseEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new RangeError(`Expected endpoint to be an http(s) address, got ${JSON.stringify(endpoint)}`);
  }
  return url;
}

function followable(from: string, location: string): string {
  const url = URL.canParse(location, from) ? new URL(location, from) : undefined;
  const secure = new URL(from).protocol === 'https:';
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && !secure)) return url.href;
  throw new OssiaError('store/hostile', `Cannot follow ${from}: it redirects to ${JSON.stringify(location)}`);
}

/** Listings are read whole, so a break in the middle is retried like any other. */
async function readWhole(
  response: Response,
  url: string,
  signal: AbortSignal | undefined,
): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_LISTING_BYTES) break;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw new TransientError('offline', `${new URL(url).host} broke off (${reasonOf(error)})`, { cause: error });
  }
  if (sizeBytes <= MAX_LISTING_BYTES) return Buffer.concat(chunks);
  throw new OssiaError('store/hostile', `Cannot read ${url}: the answer is longer than ${MAX_LISTING_BYTES} bytes`);
}

/** Milliseconds of a Retry-After header, which holds seconds or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}
