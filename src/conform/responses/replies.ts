import { type Check, check, demand, isCount, list, pick, show, skip, text } from '../check.ts';
import { demandMood, mood, mustReason, QUESTION } from '../fixtures.ts';
import { answer, ask, itemsOf, PATH, said } from './requests.ts';

/** What a response in one piece has to have. */
export const replyChecks: readonly Check[] = [
  check('responses.answers', 'a question is answered', 'all clients', async (probe) => {
    const response = await answer(probe);
    demand(said(response) !== '', `output is ${show(pick(response, 'output'))}`);
    demand(pick(response, 'status') === 'completed', `status is ${show(pick(response, 'status'))}`);
  }),
  check('responses.envelope', 'id, object, created_at and model are there', 'AI SDK, openai types', async (probe) => {
    const response = await answer(probe);
    demand(text(response, 'id') !== '', `id is ${show(pick(response, 'id'))}`);
    demand(pick(response, 'object') === 'response', `object is ${show(pick(response, 'object'))}`);
    demand(typeof pick(response, 'created_at') === 'number', `created_at is ${show(pick(response, 'created_at'))}`);
    demand(text(response, 'model') !== '', `model is ${show(pick(response, 'model'))}`);
  }),
  check(
    'responses.usage',
    'tokens are counted, with their details',
    'Codex: cannot read the end of a turn',
    async (probe) => {
      const usage = pick(await answer(probe), 'usage');
      const [input, output, total] = ['input', 'output', 'total'].map((name) => pick(usage, `${name}_tokens`));
      demand(isCount(input) && isCount(output) && isCount(total), `usage is ${show(usage)}`);
      for (const path of ['input_tokens_details.cached_tokens', 'output_tokens_details.reasoning_tokens']) {
        demand(isCount(pick(usage, path)), `${path} is ${show(pick(usage, path))}`);
      }
    },
  ),
  check(
    'responses.message',
    'a message has id, role, status and its content',
    'AI SDK: type validation',
    async (probe) => {
      const [item] = itemsOf(await answer(probe), 'message');
      demand(text(item, 'id') !== '' && pick(item, 'role') === 'assistant', `a message is ${show(item)}`);
      demand(pick(item, 'content.0.type') === 'output_text', `content is ${show(pick(item, 'content'))}`);
    },
  ),
  check(
    'responses.annotations',
    'output_text has annotations, be they []',
    "LangChain: reading 'map' of undefined",
    async (probe) => {
      const parts = itemsOf(await answer(probe), 'message').flatMap((item) => list(item, 'content'));
      const bad = parts.find((part) => !Array.isArray(pick(part, 'annotations')));
      demand(parts.length > 0 && bad === undefined, `a part is ${show(bad)}`);
    },
  ),
  check(
    'responses.reasoning',
    'thoughts are an item of reasoning_text',
    "OpenAI's gpt-oss compatibility test",
    async (probe) => {
      const response = await answer(probe);
      const item = itemsOf(response, 'reasoning').at(-1);
      if (item === undefined && !mustReason(probe.model)) skip(`${probe.model} is not known to think`);
      const parts = list(item, 'content');
      const good = parts.every((part) => pick(part, 'type') === 'reasoning_text' && text(part, 'text') !== '');
      demand(parts.length > 0 && good, `the reasoning item is ${show(item)}`);
      demand(text(item, 'id') !== '' && Array.isArray(pick(item, 'summary')), `the reasoning item is ${show(item)}`);
    },
  ),
  check(
    'responses.reasoning-apart',
    'thoughts are not in the answer',
    'all clients show them to people',
    async (probe) => {
      const response = await answer(probe);
      const thoughts = text(itemsOf(response, 'reasoning')[0], 'content.0.text').trim();
      demand(
        thoughts.length < 8 || !said(response).includes(thoughts),
        `the answer repeats them: ${show(said(response))}`,
      );
    },
  ),
  check(
    'responses.limit',
    'a response that is cut is incomplete, and says why',
    'agents: cut text is taken for whole',
    async (probe) => {
      const response = await answer(probe, { max_output_tokens: 16 });
      const reason = pick(response, 'incomplete_details.reason');
      demand(pick(response, 'status') === 'incomplete', `status is ${show(pick(response, 'status'))}`);
      demand(reason === 'max_output_tokens', `incomplete_details is ${show(pick(response, 'incomplete_details'))}`);
    },
  ),
  check('responses.json-schema', 'an answer keeps to text.format, and echoes it', 'openai .parse()', async (probe) => {
    const input = 'How are you? Answer as JSON: mood (good or bad) and score, an integer.';
    const format = { type: 'json_schema', name: 'mood', schema: mood, strict: true };
    const response = await answer(probe, { input, text: { format } });
    demandMood(said(response));
    const echo = pick(response, 'text.format.type');
    demand(echo === 'json_schema', `text.format.type comes back as ${show(echo)}`);
  }),
  check(
    'responses.instructions',
    'instructions may be empty, input a list of parts',
    'Agents SDK, Codex',
    async (probe) => {
      const content = [
        { type: 'input_text', text: 'Be' },
        { type: 'input_text', text: 'brief.' },
      ];
      const input = [
        { type: 'message', role: 'developer', content },
        { role: 'user', content: [{ type: 'input_text', text: QUESTION }] },
      ];
      await answer(probe, { instructions: '', input, max_output_tokens: 64 });
    },
  ),
  check('responses.codex', 'what Codex sends besides is taken', 'Codex: the session ends at once', async (probe) => {
    const more = {
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: 'ossia-conform',
      client_metadata: { session: 'x' },
      reasoning: { effort: 'low', summary: 'auto' },
      store: false,
      parallel_tool_calls: true,
    };
    await answer(probe, { ...more, max_output_tokens: 64 });
  }),
  check(
    'responses.warm-up',
    'empty input with one token is no error',
    'Codex with LM Studio: does not start',
    async (probe) => {
      const exchange = await probe.post(PATH, { model: probe.model, input: '', max_output_tokens: 1 });
      demand(exchange.status === 200, exchange.describe());
    },
  ),
  check(
    'responses.previous',
    'an unknown previous_response_id is refused',
    'Agents SDK: answers without the past',
    async (probe) => {
      const { status, body } = await ask(probe, { previous_response_id: 'resp_00000000000000000000000000000000' });
      demand(
        status >= 400 && status < 500,
        `HTTP ${status}: it is ignored, and the past with it${status >= 500 ? body.slice(0, 80) : ''}`,
      );
    },
  ),
  check(
    'responses.stored',
    'a stored response is continued and can be had again',
    'openai .retrieve(), stateful agents',
    async (probe) => {
      const { status, json } = await ask(probe, { store: true });
      if (status !== 200) skip(`HTTP ${status} where store is asked for`);
      const id = text(json, 'id');
      const again = await probe.get(`${PATH}/${id}`);
      const next = await ask(probe, { previous_response_id: id, max_output_tokens: 16 });
      if (again.status >= 400 && next.status >= 400 && next.status < 500)
        skip('the server keeps no responses, and says so');
      demand(again.status === 200 && pick(again.json, 'id') === id, `GET gives ${again.describe()}`);
      demand(next.status === 200, `previous_response_id gives ${next.describe()}`);
    },
  ),
  check('responses.request-id', 'a reply bears x-request-id', 'openai: `_request_id` is undefined', async (probe) => {
    demand((await ask(probe)).headers.get('x-request-id'), 'no such header');
  }),
];
