import { json } from '../../api/index.ts';
import type { RouteGroup } from '../app.ts';
import { send } from '../http/send.ts';

/** What every probe asks first. */
export const healthRoutes: RouteGroup = {
  register(app) {
    app.get('/health', () => send(json({ status: 'ok' })));
  },
};
