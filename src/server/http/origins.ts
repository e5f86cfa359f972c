import { OssiaError } from '../../base/index.ts';
import type { Middleware, RequestContext } from '../context.ts';
import type { HostNames } from './hosts.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const EXPOSED = 'x-request-id, retry-after, retry-after-ms, openai-processing-ms, mcp-session-id';

/** Pages whose scripts may use the server: `https://chat.example`, `http://localhost:*`, `*` for all. */
export class Origins {
  readonly #patterns: readonly RegExp[];

  constructor(allowed: readonly string[] = []) {
    this.#patterns = allowed.map((pattern) => {
      const escaped = pattern
        .toLowerCase()
        .replace(/\/$/, '')
        .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
      return new RegExp(`^${escaped.replaceAll('*', '.*')}$`);
    });
  }

  has(origin: string): boolean {
    return this.#patterns.some((pattern) => pattern.test(origin.toLowerCase()));
  }
}

/**
 * CORS, closed unless a page is allowed: browsers then keep replies from it. Some requests they send all the same without
 * asking first (`text/plain`, forms); those must not reach the model, so what bears a foreign Origin is refused.
 */
export function checkOrigin(origins: Origins, names: HostNames): Middleware {
  return async (c, next) => {
    const origin = c.req.header('origin');
    if (origin === undefined) return next();
    if (origins.has(origin)) {
      if (isPreflight(c)) return preflight(c, origin);
      await next();
      c.res.headers.set('access-control-allow-origin', origin);
      c.res.headers.append('vary', 'Origin');
      c.res.headers.set('access-control-expose-headers', EXPOSED);
      return;
    }
    if (!isOwn(c, origin, names) && (isPreflight(c) || !SAFE_METHODS.has(c.req.method))) {
      throw new OssiaError('server/forbidden-origin', `Pages of ${origin.slice(0, 255)} may not use this server`);
    }
    await next();
  };
}

function isPreflight(c: RequestContext): boolean {
  return c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined;
}

function preflight(c: RequestContext, origin: string): Response {
  return c.body(null, 204, {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': c.req.header('access-control-request-headers') ?? '*',
    'access-control-max-age': '600',
    vary: 'Origin, Access-Control-Request-Headers',
  });
}

/** A page that this server sent itself; only under a name that is surely ours. */
function isOwn(c: RequestContext, origin: string, names: HostNames): boolean {
  const host = c.req.header('host');
  if (host === undefined || !names.has(host)) return false;
  try {
    return new URL(origin).host === new URL(`http://${host}`).host || new URL(origin).host === host;
  } catch {
    return false;
  }
}
