import { type Check, check, demand, list, show, text } from '../check.ts';
import { QUESTION } from '../fixtures.ts';
import { errorChecks } from '../openai-errors.ts';
import { demandApart, demandNoMarkup, leaveAndAsk, sayWhetherEqual } from '../traffic.ts';
import { bodyOf, PATH, usageWanted, user } from './requests.ts';

export const chatErrorChecks = errorChecks({
  api: 'chat',
  path: PATH,
  input: 'messages',
  body: bodyOf,
  asking: (question) => [user(question)],
});

/** What shows only when several things happen, and what holds for all that was said. */
export const chatTrafficChecks: readonly Check[] = [
  check('chat.models', 'the models are listed', 'Codex, chat front ends: an empty menu', async (probe) => {
    const { json, status } = await probe.get('/v1/models');
    const models = list(json, 'data');
    demand(status === 200 && models.length > 0, `HTTP ${status} with ${show(json)}`);
    demand(
      models.every((model) => text(model, 'id') !== ''),
      `a model is ${show(models[0])}`,
    );
  }),
  check('chat.cancel', 'whoever leaves a stream holds nobody up', 'all servers with few slots', async (probe) => {
    const long = bodyOf(probe, { stream: true, messages: [user('Tell me a long story.')] });
    return await leaveAndAsk(probe, PATH, long, bodyOf(probe, { max_tokens: 8 }));
  }),
  check('chat.concurrent', 'streams side by side do not mix', 'everybody', async (probe) => {
    const bodies = [1, 2, 3, 4].map((seed) => bodyOf(probe, { ...usageWanted, seed, max_tokens: 48 }));
    await demandApart(probe, PATH, bodies, (data) => text(data, 'id') || undefined);
  }),
  check('chat.seed', 'a seed repeats a text', 'tests and evaluations (for information)', async (probe) => {
    const body = bodyOf(probe, { messages: [user(QUESTION)], temperature: 1, seed: 42, max_tokens: 48 });
    const said = async () => JSON.stringify(list((await probe.again(PATH, body)).json, 'choices'));
    return sayWhetherEqual(await said(), await said());
  }),
  check(
    'chat.markup',
    'no control tokens in anything that was said',
    'all clients show them to people',
    async (probe) => {
      demandNoMarkup(probe.replies);
    },
  ),
];
