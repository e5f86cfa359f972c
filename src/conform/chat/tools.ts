import { type Check, check, demand, pick, show, skip, text } from '../check.ts';
import { demandWeather, health, parseObject, WEATHER_QUESTION, WEATHER_RESULT, weather } from '../fixtures.ts';
import {
  answer,
  ask,
  bodyOf,
  content,
  finish,
  message,
  PATH,
  requiredCall,
  tools,
  toolsWanted,
  user,
} from './requests.ts';

/** What calls have to be like, and what is answered to their results. */
export const toolChecks: readonly Check[] = [
  check(
    'chat.tool.required',
    '`tool_choice: required` makes a call',
    'agents: the loop ends without one',
    async (probe) => {
      const exchange = await ask(probe, toolsWanted);
      demand(exchange.status === 200, exchange.describe());
      const call = pick(message(exchange.json), 'tool_calls.0');
      demand(call !== undefined, `the message is ${show(message(exchange.json))}`);
      demand(finish(exchange.json) === 'tool_calls', `finish_reason is ${show(finish(exchange.json))}`);
    },
  ),
  check(
    'chat.tool.shape',
    'a call has id, type, name and its arguments as text',
    'openai, LangChain',
    async (probe) => {
      const call = await requiredCall(probe);
      demand(text(call, 'id') !== '' && pick(call, 'type') === 'function', `a call is ${show(call)}`);
      if (pick(call, 'function.name') === health.name) skip('the model chose another tool');
      demandWeather(pick(call, 'function.name'), pick(call, 'function.arguments'));
    },
  ),
  check(
    'chat.tool.named',
    'a named tool is called, and no other',
    'extraction in LangChain and instructor',
    async (probe) => {
      const tool_choice = { type: 'function', function: { name: health.name } };
      const reply = await answer(probe, { ...toolsWanted, tool_choice });
      const name = pick(message(reply), 'tool_calls.0.function.name');
      demand(name === health.name, `asked for ${health.name}, the message is ${show(message(reply))}`);
      const args = pick(message(reply), 'tool_calls.0.function.arguments');
      demand(parseObject(String(args)) !== undefined, `arguments are ${show(args)}, and have to be an object`);
    },
  ),
  check(
    'chat.tool.none',
    '`tool_choice: none` makes no call',
    'agents: a call that nobody carries out',
    async (probe) => {
      const found = message(await answer(probe, { ...toolsWanted, tool_choice: 'none' }));
      demand(pick(found, 'tool_calls.0') === undefined, `the message is ${show(found)}`);
    },
  ),
  check('chat.tool.loop', 'a result is answered', 'all agents', async (probe) => {
    const called = await weatherCall(probe);
    const messages = [
      user(WEATHER_QUESTION),
      { role: 'assistant', content: null, reasoning: 'I should call the tool.', tool_calls: [called] },
      { role: 'tool', tool_call_id: called.id, content: WEATHER_RESULT },
    ];
    const reply = await answer(probe, { messages, tools });
    const found = message(reply);
    demand(content(reply) !== '' || pick(found, 'tool_calls.0') !== undefined, `the message is ${show(found)}`);
  }),
  check(
    'chat.tool.no-content',
    'a call may come back without content',
    "OpenAI's compatibility test: 400",
    async (probe) => {
      const called = await weatherCall(probe);
      const messages = [
        user(WEATHER_QUESTION),
        { role: 'assistant', tool_calls: [called] },
        { role: 'tool', tool_call_id: called.id, content: [{ type: 'text', text: WEATHER_RESULT }] },
      ];
      await answer(probe, { messages, tools });
    },
  ),
  check('chat.tool.ids', 'ids of calls differ from turn to turn', 'LangChain: results are mixed up', async (probe) => {
    const first = text(await requiredCall(probe), 'id');
    const second = text(
      (await probe.again(PATH, bodyOf(probe, toolsWanted))).json,
      'choices.0.message.tool_calls.0.id',
    );
    demand(first !== second, `two turns have the id ${show(first)}`);
  }),
];

/** A call of the weather tool under an id that this server gave. */
async function weatherCall(probe: Parameters<Check['run']>[0]) {
  const id = text(await requiredCall(probe), 'id') || 'call_1';
  return { id, type: 'function', function: { name: weather.name, arguments: '{"city":"Paris"}' } };
}
