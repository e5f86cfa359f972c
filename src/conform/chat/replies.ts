import { type Check, check, demand, isCount, list, pick, show, skip, text } from '../check.ts';
import { demandMood, MARKUP, mood, mustReason, parseObject, QUESTION } from '../fixtures.ts';
import { answer, ask, content, finish, message, user } from './requests.ts';

const shortOf = (probe: { readonly model: string }) => `${probe.model} is not known to think, and shows no thoughts`;

/** What a reply in one piece has to have. */
export const replyChecks: readonly Check[] = [
  check('chat.answers', 'a question is answered', 'all clients', async (probe) => {
    const reply = await answer(probe);
    demand(pick(message(reply), 'role') === 'assistant', `role is ${show(pick(message(reply), 'role'))}`);
    demand(content(reply) !== '', `content is ${show(pick(message(reply), 'content'))}`);
  }),
  check('chat.envelope', 'id, object, created and model are there', 'openai types, AI SDK: created', async (probe) => {
    const reply = await answer(probe);
    demand(text(reply, 'id') !== '', `id is ${show(pick(reply, 'id'))}`);
    demand(pick(reply, 'object') === 'chat.completion', `object is ${show(pick(reply, 'object'))}`);
    demand(isCount(pick(reply, 'created')), `created is ${show(pick(reply, 'created'))}`);
    demand(text(reply, 'model') !== '', `model is ${show(pick(reply, 'model'))}`);
  }),
  check('chat.finish', 'a finished answer says `stop`', 'AI SDK: finish reason unknown', async (probe) => {
    const reason = finish(await answer(probe));
    demand(reason === 'stop', `finish_reason is ${show(reason)}`);
  }),
  check('chat.usage', 'tokens are counted', 'LangChain, AI SDK: no usage', async (probe) => {
    const usage = pick(await answer(probe), 'usage');
    const [prompt, completion, total] = ['prompt', 'completion', 'total'].map((name) => pick(usage, `${name}_tokens`));
    demand(isCount(prompt) && isCount(completion) && isCount(total), `usage is ${show(usage)}`);
    demand(prompt > 0 && prompt + completion === total, `the sum is wrong: ${show(usage)}`);
  }),
  check('chat.reasoning', 'thoughts are in `reasoning`', "OpenAI's gpt-oss compatibility test", async (probe) => {
    const found = message(await answer(probe));
    if (text(found, 'reasoning') !== '') return;
    if (!mustReason(probe.model) && text(found, 'reasoning_content') === '') skip(shortOf(probe));
    demand(false, `reasoning is ${show(pick(found, 'reasoning'))}`);
  }),
  check('chat.reasoning-content', 'thoughts are in `reasoning_content`', 'LangChain: no thoughts', async (probe) => {
    const found = message(await answer(probe));
    if (text(found, 'reasoning_content') !== '') return;
    if (!mustReason(probe.model) && text(found, 'reasoning') === '') skip(shortOf(probe));
    demand(false, `reasoning_content is ${show(pick(found, 'reasoning_content'))}`);
  }),
  check('chat.reasoning-apart', 'thoughts are not in the answer', 'all clients show them to people', async (probe) => {
    const found = message(await answer(probe));
    const thoughts = (text(found, 'reasoning') || text(found, 'reasoning_content')).trim();
    const said = text(found, 'content');
    demand(thoughts.length < 8 || !said.includes(thoughts), `content repeats them: ${show(said)}`);
    demand(!MARKUP.test(said), `content has markup: ${show(said)}`);
  }),
  check(
    'chat.max-tokens',
    'an answer that is cut says `length`',
    'agents: cut text is taken for whole',
    async (probe) => {
      const reply = await answer(probe, { max_tokens: 8 });
      const used = pick(reply, 'usage.completion_tokens');
      demand(finish(reply) === 'length', `finish_reason is ${show(finish(reply))}`);
      demand(!isCount(used) || used <= 8, `${show(used)} tokens where 8 were allowed`);
    },
  ),
  check(
    'chat.max-completion-tokens',
    'the new name of max_tokens counts',
    'openai: the limit is ignored',
    async (probe) => {
      const reply = await answer(probe, { max_tokens: undefined, max_completion_tokens: 8 });
      demand(finish(reply) === 'length', `finish_reason is ${show(finish(reply))}`);
    },
  ),
  check('chat.stop', 'a stop text ends the answer before it', 'agents with their own formats', async (probe) => {
    const whole = content(await answer(probe));
    const stop = whole.slice(Math.floor(whole.length / 3), Math.floor(whole.length / 3) + 6);
    if (stop.trim().length < 4) skip(`no text to stop at in ${show(whole)}`);
    const reply = await answer(probe, { stop: [stop] });
    demand(!content(reply).includes(stop), `${show(stop)} is in ${show(content(reply))}`);
    demand(finish(reply) === 'stop', `finish_reason is ${show(finish(reply))}`);
  }),
  check('chat.json-schema', 'an answer keeps to its schema', 'all structured output', async (probe) => {
    const json_schema = { name: 'mood', schema: mood, strict: true };
    const reply = await answer(probe, {
      messages: [user('How are you? Answer as JSON: mood (good or bad) and score, an integer.')],
      response_format: { type: 'json_schema', json_schema },
    });
    demandMood(content(reply));
  }),
  check('chat.json-object', 'json_object gives a JSON object', 'LangChain json mode', async (probe) => {
    const reply = await answer(probe, {
      messages: [user('How are you? Answer in JSON.')],
      response_format: { type: 'json_object' },
    });
    const said = content(reply);
    demand(finish(reply) === 'length' || parseObject(said) !== undefined, `the answer is ${show(said)}`);
  }),
  check('chat.n', 'n gives as many choices, or an error', 'evaluation tools: one answer for n', async (probe) => {
    const exchange = await ask(probe, { n: 2, temperature: 1, max_tokens: 16 });
    if (exchange.status >= 400 && exchange.status < 500) return 'refused';
    const { length } = list(exchange.json, 'choices');
    demand(length === 2, `${length} choices where 2 were asked for: ${exchange.describe()}`);
  }),
  check('chat.logprobs', 'logprobs come, or an error', 'evaluation tools: null instead', async (probe) => {
    const exchange = await ask(probe, { logprobs: true, top_logprobs: 2, max_tokens: 64 });
    if ((exchange.status >= 400 && exchange.status < 500) || exchange.status === 501) return 'refused';
    const found = pick(exchange.json, 'choices.0.logprobs.content');
    demand(Array.isArray(found), `logprobs.content is ${show(found)}`);
  }),
  check('chat.parts', 'content may be a list of parts', 'AI SDK, LangChain: 400', async (probe) => {
    await answer(probe, { messages: [user([{ type: 'text', text: QUESTION }])] });
  }),
  check('chat.developer', 'a developer message is taken', 'openai: 400', async (probe) => {
    await answer(probe, { messages: [{ role: 'developer', content: 'Be brief.' }, user(QUESTION)], max_tokens: 64 });
  }),
  check('chat.nulls', 'null means: not set', 'clients in other languages: 400', async (probe) => {
    await answer(probe, { stop: null, top_p: null, frequency_penalty: null, tools: null, user: null, max_tokens: 64 });
  }),
  check('chat.request-id', 'a reply bears x-request-id', 'openai: `_request_id` is undefined', async (probe) => {
    const id = (await ask(probe)).headers.get('x-request-id');
    demand(id !== null && id !== '', 'no such header');
  }),
];
