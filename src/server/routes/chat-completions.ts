import { chatCompletion, chatCompletionRequest } from '../../api/index.ts';
import type { RouteGroup } from '../app.ts';
import { readBody } from '../http/body.ts';
import { send } from '../http/send.ts';

/** OpenAI's Chat Completions. */
export const chatCompletionsRoutes: RouteGroup = {
  register(app, context) {
    app.post('/v1/chat/completions', async (c) => {
      const request = await readBody(c, chatCompletionRequest);
      return send(await chatCompletion(request, context, { client: c.get('client'), signal: c.get('signal') }));
    });
  },
  docs: [
    {
      method: 'post',
      path: '/v1/chat/completions',
      summary: 'One or more answers to a conversation',
      request: chatCompletionRequest,
      stream: 'sse',
    },
  ],
};
