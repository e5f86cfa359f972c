import { anthropicError, countTokensRequest, Messages, messagesRequest } from '../../api/index.ts';
import type { RouteGroup } from '../app.ts';
import type { RequestContext } from '../context.ts';
import { readBody } from '../http/body.ts';
import { send } from '../http/send.ts';

/** Anthropic's Messages API. */
export const anthropicRoutes: RouteGroup = {
  register(app, { host, turns }) {
    const messages = new Messages({ host, turns });
    app.post('/v1/messages', async (c) => send(await messages.create(await readBody(c, messagesRequest), asker(c))));
    app.post('/v1/messages/count_tokens', async (c) =>
      send(await messages.countTokens(await readBody(c, countTokensRequest), asker(c))),
    );
  },
  errors: { prefix: '/v1/messages', reply: anthropicError },
  docs: [
    {
      method: 'post',
      path: '/v1/messages',
      summary: "An answer to a conversation, as Anthropic's Messages API gives it",
      request: messagesRequest,
      stream: 'sse',
    },
    {
      method: 'post',
      path: '/v1/messages/count_tokens',
      summary: 'How many tokens a conversation has',
      request: countTokensRequest,
    },
  ],
};

function asker(c: RequestContext) {
  return { requestId: c.get('requestId'), client: c.get('client'), signal: c.get('signal') };
}
