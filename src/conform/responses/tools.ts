import { type Check, check, demand, list, pick, show, skip, text } from '../check.ts';
import { demandWeather, health, parseObject, WEATHER_QUESTION, WEATHER_RESULT } from '../fixtures.ts';
import { errorChecks } from '../openai-errors.ts';
import { demandApart, demandNoMarkup, leaveAndAsk } from '../traffic.ts';
import { answer, ask, bodyOf, itemsOf, PATH, requiredCall, said, tools, toolsWanted } from './requests.ts';

/** Tools of agents that run here as nothing, and must not end the session. */
const foreignTools = [
  { type: 'web_search' },
  { type: 'custom', name: 'apply_patch', description: 'Edits files.', format: { type: 'text' } },
  { type: 'namespace', name: 'extra', description: 'More.', tools: [{ type: 'function', ...health, strict: false }] },
  { type: 'image_generation' },
  { type: 'tool_search' },
];

/** Calls, and what follows them. */
export const toolChecks: readonly Check[] = [
  check(
    'responses.tool.required',
    '`tool_choice: required` makes a call',
    'agents: the loop ends without one',
    async (probe) => {
      const response = await answer(probe, toolsWanted);
      demand(itemsOf(response, 'function_call').length > 0, `output is ${show(pick(response, 'output'))}`);
    },
  ),
  check(
    'responses.tool.shape',
    'a call has id, call_id, name and arguments',
    'AI SDK: type validation',
    async (probe) => {
      const { call } = await requiredCall(probe);
      demand(text(call, 'id') !== '' && text(call, 'call_id') !== '', `a call is ${show(call)}`);
      if (pick(call, 'name') === health.name) skip('the model chose another tool');
      demandWeather(pick(call, 'name'), pick(call, 'arguments'));
    },
  ),
  check('responses.tool.named', 'a named tool is called, and no other', 'extraction by tools', async (probe) => {
    const response = await answer(probe, { ...toolsWanted, tool_choice: { type: 'function', name: health.name } });
    const [call] = itemsOf(response, 'function_call');
    demand(pick(call, 'name') === health.name, `asked for ${health.name}, output is ${show(pick(response, 'output'))}`);
    demand(parseObject(text(call, 'arguments')) !== undefined, `arguments are ${show(pick(call, 'arguments'))}`);
  }),
  check(
    'responses.tool.none',
    '`tool_choice: none` makes no call',
    'agents: a call that nobody carries out',
    async (probe) => {
      const response = await answer(probe, { ...toolsWanted, tool_choice: 'none' });
      demand(itemsOf(response, 'function_call').length === 0, `output is ${show(pick(response, 'output'))}`);
    },
  ),
  check(
    'responses.tool.loop',
    'a result is answered, thoughts and call sent back',
    'Codex, Agents SDK',
    async (probe) => {
      const { call, output } = await requiredCall(probe);
      const result = { type: 'function_call_output', call_id: pick(call, 'call_id'), output: WEATHER_RESULT };
      const input = [{ role: 'user', content: WEATHER_QUESTION }, ...output, result];
      const response = await answer(probe, { input, tools });
      const goesOn = said(response) !== '' || itemsOf(response, 'function_call').length > 0;
      demand(goesOn, `output is ${show(pick(response, 'output'))}`);
    },
  ),
  check('responses.tool.parts', 'a result may be a list of parts', 'Codex: 400 after a tool', async (probe) => {
    const { call, output } = await requiredCall(probe);
    const parts = [{ type: 'input_text', text: WEATHER_RESULT }];
    const result = { type: 'function_call_output', call_id: pick(call, 'call_id'), output: parts };
    await answer(probe, { input: [{ role: 'user', content: WEATHER_QUESTION }, ...output, result], tools });
  }),
  check(
    'responses.tool.foreign',
    'tools of unknown types do no harm',
    'Codex: the session ends at once',
    async (probe) => {
      for (const tool of foreignTools) {
        const { status, body } = await ask(probe, { tools: [...tools, tool], max_output_tokens: 16 });
        demand(status === 200, `with a tool of type ${tool.type}: HTTP ${status} ${body.slice(0, 80)}`);
      }
    },
  ),
];

export const responsesErrorChecks = errorChecks({
  api: 'responses',
  path: PATH,
  input: 'input',
  body: bodyOf,
  asking: (question) => question,
});

/** What shows only when several things happen, and what holds for all that was said. */
export const responsesTrafficChecks: readonly Check[] = [
  check('responses.models', 'the models are listed', 'Codex asks for them first', async (probe) => {
    const { json, status } = await probe.get('/v1/models');
    const models = list(json, 'data');
    demand(status === 200 && models.length > 0, `HTTP ${status} with ${show(json)}`);
  }),
  check('responses.cancel', 'whoever leaves a stream holds nobody up', 'all servers with few slots', async (probe) => {
    const long = bodyOf(probe, { stream: true, input: 'Tell me a long story.' });
    return await leaveAndAsk(probe, PATH, long, bodyOf(probe, { max_output_tokens: 16 }));
  }),
  check('responses.concurrent', 'streams side by side do not mix', 'everybody', async (probe) => {
    const bodies = ['one', 'two', 'three', 'four'].map((word) =>
      bodyOf(probe, { stream: true, input: `Say ${word}.`, max_output_tokens: 48 }),
    );
    await demandApart(probe, PATH, bodies, (data) => text(data, 'response.id') || undefined);
  }),
  check(
    'responses.markup',
    'no control tokens in anything that was said',
    'all clients show them to people',
    async (probe) => {
      demandNoMarkup(probe.replies);
    },
  ),
];
