import { completion, completionRequest } from '../../api/index.ts';
import type { RouteGroup } from '../app.ts';
import { readBody } from '../http/body.ts';
import { send } from '../http/send.ts';

/** OpenAI's Completions, the API before Chat Completions. */
export const completionsRoutes: RouteGroup = {
  register(app, context) {
    app.post('/v1/completions', async (c) => {
      const request = await readBody(c, completionRequest);
      return send(await completion(request, context, { client: c.get('client'), signal: c.get('signal') }));
    });
  },
  docs: [
    {
      method: 'post',
      path: '/v1/completions',
      summary: 'How a text goes on, with no conversation around it',
      request: completionRequest,
      stream: 'sse',
    },
  ],
};
