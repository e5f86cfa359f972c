import { METHOD_NAME_ALL } from 'hono/router';
import type { App } from '../app.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** The methods for which a path has a route of its own; middleware, which takes all, does not count. */
export function methodsOf(app: App, path: string): string[] {
  const taken = METHODS.filter((method) => {
    const [handlers] = app.router.match(method, path);
    return handlers.some(([[, route]]) => route.method !== METHOD_NAME_ALL);
  });
  return taken.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}
