import type { Middleware } from '../context.ts';

/** For browsers that come upon the server: nothing here is to be guessed at, framed or kept. */
export const securityHeaders: Middleware = async (c, next) => {
  await next();
  const { headers } = c.res;
  headers.set('x-content-type-options', 'nosniff');
  headers.set('x-frame-options', 'DENY');
  headers.set('referrer-policy', 'no-referrer');
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
};
