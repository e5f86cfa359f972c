import { json } from '../../api/index.ts';
import type { RouteGroup } from '../app.ts';
import { send } from '../http/send.ts';
import { openApiDocument } from '../openapi/index.ts';

/** What there is, for people and for tools that make clients. */
export function openApiRoutes(groups: readonly RouteGroup[]): RouteGroup {
  let document: unknown;
  const routes: RouteGroup = {
    register(app, { version }) {
      app.get('/openapi.json', () => {
        document ??= openApiDocument(app, [...groups, routes], version);
        return send(json(document));
      });
    },
    docs: [{ method: 'get', path: '/openapi.json', summary: 'This document' }],
  };
  return routes;
}
