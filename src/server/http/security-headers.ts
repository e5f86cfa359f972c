import type { Middleware } from '../context.ts';

/** What is no page loads nothing and shows nowhere. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'";

/** For browsers that come upon the server: nothing here is to be guessed at, framed or kept. */
export const securityHeaders: Middleware = async (c, next) => {
  await next();
  const { headers } = c.res;
  headers.set('x-content-type-options', 'nosniff');
  headers.set('x-frame-options', 'DENY');
  headers.set('referrer-policy', 'no-referrer');
  headers.set('cross-origin-opener-policy', 'same-origin');
  headers.set('cross-origin-resource-policy', 'same-origin');
  if (!headers.has('content-security-policy')) headers.set('content-security-policy', NOTHING);
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
};
