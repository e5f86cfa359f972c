import { json } from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import type { RouteGroup } from '../app.ts';
import { send } from '../http/send.ts';

const PATHS = ['/v1/chat/completions/:id/answer_now', '/v1/responses/:id/answer_now'] as const;

/** Speaks to a turn that runs: enough thought, answer. Its own stream goes on, with the answer. */
export const answerNowRoutes: RouteGroup = {
  register(app, { turns }) {
    for (const path of PATHS) {
      app.post(path, (c) => {
        const id = c.req.param('id');
        if (turns.answerNow(id)) return send(json({ id, answer_now: true }));
        throw new OssiaError('api/not-found', `Cannot hurry ${id.slice(0, 100)}: no such turn runs`);
      });
    }
  },
  docs: PATHS.map((path) => ({ method: 'post', path, summary: 'Ends the thoughts of a running turn: it answers now' })),
};
