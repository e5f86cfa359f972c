import { OssiaError } from '../base/index.ts';
import type { Context } from './context.ts';
import { usage } from './failure.ts';

const DEFAULT_HOST = '127.0.0.1:6774';
const TIMEOUT_MS = 30_000;

export interface ServerFlags {
  /** Default: OSSIA_HOST, then the port that `ossia serve` takes. */
  readonly host?: string;
  /** Default: OSSIA_API_KEY. */
  readonly apiKey?: string;
}

/** A running server, spoken to as its clients do. */
export class ServerClient {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ env }: Pick<Context, 'env'>, { host, apiKey = env.OSSIA_API_KEY || undefined }: ServerFlags) {
    this.url = serverUrl(host ?? (env.OSSIA_HOST || DEFAULT_HOST));
    this.#headers = {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    };
  }

  get(path: string): Promise<unknown> {
    return this.#ask(path, { method: 'GET' });
  }

  post(path: string, body: unknown): Promise<unknown> {
    return this.#ask(path, { method: 'POST', body: JSON.stringify(body) });
  }

  /** Throws `cli/no-server` where nothing answers or what answers is no such server, `cli/server-refused` with its words. */
  async #ask(path: string, init: RequestInit): Promise<unknown> {
    const response = await this.#fetch(path, init);
    const body: unknown = await response.json().catch(() => undefined);
    if (typeof body !== 'object' || body === null) {
      const found = `it answered ${response.status} to ${path}, and no JSON`;
      throw new OssiaError('cli/no-server', `What runs at ${this.url} is no Ossia server: ${found}`);
    }
    if (response.ok) return body;
    const next = response.status === 401 ? { next: 'Name the server’s key with --api-key or OSSIA_API_KEY' } : {};
    throw new OssiaError('cli/server-refused', `The server said ${response.status}: ${errorText(body)}`, {
      details: next,
    });
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      return await fetch(`${this.url}${path}`, { ...init, headers: this.#headers, signal, redirect: 'error' });
    } catch (cause) {
      const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
      throw new OssiaError('cli/no-server', `No server answers at ${this.url}${reason === '' ? '' : ` (${reason})`}`, {
        cause,
      });
    }
  }
}

/**
 * `host`, `host:port`, `:port`, or a URL; the address of all interfaces is one to listen on, so loopback is asked instead.
 *
 * @example serverUrl('0.0.0.0:8000') // 'http://127.0.0.1:8000'
 */
export function serverUrl(host: string): string {
  const text = host.startsWith(':') ? `127.0.0.1${host}` : host;
  const hasScheme = /^https?:\/\//i.test(text);
  const full = hasScheme ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (!url || (text.includes('://') && !hasScheme)) {
    throw usage(`Expected the server's address, got ${JSON.stringify(host)}`, 'Write it as 127.0.0.1:6774 or as a URL');
  }
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1';
  if (url.hostname === '[::]') url.hostname = '[::1]';
  if (url.port === '' && !hasScheme) url.port = '6774';
  return url.href.replace(/\/+$/, '');
}

function errorText(body: object): string {
  const { error } = body as { readonly error?: unknown };
  if (typeof error === 'string') return error;
  const { message } = (error ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : 'it gave no reason';
}
