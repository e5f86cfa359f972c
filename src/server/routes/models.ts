import { listModels, retrieveModel } from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import type { RouteGroup } from '../app.ts';
import { send } from '../http/send.ts';

/** Paths of OpenAI's API that a server of gpt-oss cannot have: no such model, or nothing of the kind is kept. */
const ABSENT: readonly (readonly [path: string, why: string])[] = [
  ['/v1/embeddings', 'gpt-oss makes no embeddings'],
  ['/v1/moderations', 'gpt-oss is no moderation model'],
  ['/v1/images/*', 'gpt-oss draws nothing'],
  ['/v1/audio/*', 'gpt-oss neither hears nor speaks'],
  ['/v1/realtime/*', 'gpt-oss neither hears nor speaks'],
  ['/v1/fine_tuning/*', 'this server trains nothing'],
  ['/v1/files/*', 'this server keeps no files'],
  ['/v1/batches/*', 'this server keeps no batches'],
  ['/v1/assistants/*', 'the Assistants API is gone; use /v1/responses'],
  ['/v1/threads/*', 'the Assistants API is gone; use /v1/responses'],
];

/** The models by OpenAI's paths; their ids have slashes and colons, encoded or not. */
export const modelsRoutes: RouteGroup = {
  register(app, { host }) {
    app.get('/v1/models', async () => send(await listModels(host)));
    app.get('/v1/models/:id{.+}', async (c) => send(await retrieveModel(host, c.req.param('id'))));
    for (const [path, why] of ABSENT) {
      app.all(path, (c) => {
        throw new OssiaError('server/unknown-route', `There is no ${c.req.path} here: ${why}`);
      });
    }
  },
  docs: [
    { method: 'get', path: '/v1/models', summary: 'The models that can be asked for' },
    { method: 'get', path: '/v1/models/:id{.+}', summary: 'One of them, by any of its names' },
  ],
};
