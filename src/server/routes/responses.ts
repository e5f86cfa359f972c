import {
  badRequest,
  inputTokensRequest,
  MemoryStore,
  Responses,
  type ResponsesPage,
  responsesRequest,
} from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import type { RouteGroup } from '../app.ts';
import type { RequestContext, ServerContext } from '../context.ts';
import { readBody } from '../http/body.ts';
import { send } from '../http/send.ts';

/** OpenAI's Responses. */
export const responsesRoutes: RouteGroup = {
  register(app, context) {
    const responses = context.responses ?? inMemory(context);
    app.post('/v1/responses', async (c) => {
      const body = await readBody(c, responsesRequest);
      return send(await responses.create(body, callerOf(c)));
    });
    app.post('/v1/responses/input_tokens', async (c) => {
      const body = await readBody(c, inputTokensRequest);
      return send(await responses.countTokens(body, callerOf(c)));
    });
    app.post('/v1/responses/compact', () => {
      throw new OssiaError('api/unsupported', 'This server does not compact conversations: use truncation: "auto"');
    });
    app.get('/v1/responses/:id', (c) => {
      const id = c.req.param('id');
      if (!isTrue(c.req.query('stream'))) return send(responses.retrieve(id));
      return send(responses.resume(id, integer(c, 'starting_after', { min: 0 })));
    });
    app.delete('/v1/responses/:id', async (c) => send(await responses.delete(c.req.param('id'))));
    app.post('/v1/responses/:id/cancel', async (c) => send(await responses.cancel(c.req.param('id'))));
    app.get('/v1/responses/:id/input_items', (c) => send(responses.inputItems(c.req.param('id'), pageOf(c))));
  },
  docs: [
    { method: 'post', path: '/v1/responses', summary: 'Makes a response', request: responsesRequest, stream: 'sse' },
    {
      method: 'post',
      path: '/v1/responses/input_tokens',
      summary: 'Counts the tokens of what a request would send to the model',
      request: inputTokensRequest,
    },
    {
      method: 'get',
      path: '/v1/responses/:id',
      summary: 'A stored response; with stream=true the events of one in the background, behind starting_after',
      stream: 'sse',
    },
    { method: 'delete', path: '/v1/responses/:id', summary: 'Deletes a stored response' },
    { method: 'post', path: '/v1/responses/:id/cancel', summary: 'Ends a response that runs in the background' },
    { method: 'get', path: '/v1/responses/:id/input_items', summary: 'What the model saw before it answered' },
  ],
};

function inMemory({ host, turns, log, tools = [] }: ServerContext): Responses {
  const report = (err: unknown, id: string) => log.error({ responseId: id, err }, 'response failed');
  return new Responses({ host, turns, store: new MemoryStore(), report, tools: { tools } });
}

function callerOf(c: RequestContext): { readonly client: string; readonly signal: AbortSignal } {
  return { client: c.get('client'), signal: c.get('signal') };
}

function pageOf(c: RequestContext): ResponsesPage {
  const limit = integer(c, 'limit', { min: 1, max: 100 });
  const { order, after } = c.req.query();
  if (order !== undefined && order !== 'asc' && order !== 'desc')
    throw badRequest('order: expected asc or desc', 'order');
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(order === undefined ? {} : { order }),
    ...(after === undefined ? {} : { after }),
  };
}

function integer(
  c: RequestContext,
  name: string,
  { min, max = Number.MAX_SAFE_INTEGER }: { min: number; max?: number },
) {
  const text = c.req.query(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw badRequest(`${name}: expected an integer from ${min} to ${max}, got "${text.slice(0, 40)}"`, name);
}

function isTrue(text: string | undefined): boolean {
  return text === 'true' || text === '1';
}
