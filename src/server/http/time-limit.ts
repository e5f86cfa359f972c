import type { Middleware } from '../context.ts';
import { whenOver } from './over.ts';

/** Ends what a request started, with what there is, when it has run this long. */
export function limitTime(ms: number): Middleware {
  return async (c, next) => {
    const time = new AbortController();
    const timer = setTimeout(() => time.abort(), ms);
    timer.unref();
    whenOver(c, () => clearTimeout(timer));
    c.set('signal', AbortSignal.any([c.get('signal'), time.signal]));
    await next();
  };
}
