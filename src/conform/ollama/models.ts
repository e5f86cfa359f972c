import { type Check, check, demand, list, pick, show, skip, text } from '../check.ts';
import type { Exchange } from '../exchange.ts';
import { demandRefusal } from '../exchange.ts';
import { demandCity, WEATHER_QUESTION, WEATHER_RESULT, weather } from '../fixtures.ts';
import type { Probe } from '../probe.ts';
import { demandNoMarkup, leaveAndAsk } from '../traffic.ts';
import { CHAT, chat, chatBody, content, lines, options, tools, user } from './requests.ts';

/** Below this Codex refuses to start. */
const LEAST_VERSION = [0, 13, 4] as const;

/** What clients ask before they chat. */
export const modelChecks: readonly Check[] = [
  check('ollama.root', 'GET / says that Ollama is running', 'front ends: no server found', async (probe) => {
    const { status, body } = await probe.get('/');
    demand(status === 200 && /Ollama is running/.test(body), `HTTP ${status} ${show(body.slice(0, 60))}`);
  }),
  check('ollama.version', 'the version is 0.13.4 or later', 'Codex: too old, refuses to start', async (probe) => {
    const { json } = await probe.get('/api/version');
    const numbers = (/^v?(\d+)\.(\d+)\.(\d+)/.exec(text(json, 'version')) ?? []).slice(1).map(Number);
    demand(numbers.length === 3, `the version is ${show(pick(json, 'version'))}`);
    const at = numbers.findIndex((number, i) => number !== LEAST_VERSION[i]);
    demand(at < 0 || numbers[at]! > LEAST_VERSION[at]!, `the version is ${text(json, 'version')}`);
  }),
  check('ollama.tags', 'the models are listed', 'Codex, front ends: model not found', async (probe) => {
    const { json } = await probe.get('/api/tags');
    const models = list(json, 'models');
    demand(models.length > 0, `/api/tags says ${show(json)}`);
    const bad = models.find((model) => text(model, 'name') === '' || typeof pick(model, 'details') !== 'object');
    demand(bad === undefined, `a model is ${show(bad)}`);
  }),
  check('ollama.ps', 'the running models are listed', 'ollama-js .ps()', async (probe) => {
    const { json, status } = await probe.get('/api/ps');
    demand(status === 200 && Array.isArray(pick(json, 'models')), `HTTP ${status} with ${show(json)}`);
  }),
  check('ollama.show', 'a model says what it can do', 'VS Code, LangChain: no tools offered', async (probe) => {
    const { json, status } = await probe.post('/api/show', { model: probe.model });
    demand(status === 200, `HTTP ${status}`);
    demand(Array.isArray(pick(json, 'capabilities')), `capabilities is ${show(pick(json, 'capabilities'))}`);
    demand(typeof pick(json, 'model_info') === 'object', `model_info is ${show(pick(json, 'model_info'))}`);
  }),
];

export const toolChecks: readonly Check[] = [
  check(
    'ollama.tool.shape',
    'a call has its name, and arguments as an object',
    'ollama-js: a text where an object is due',
    async (probe) => {
      const call = await weatherCall(probe);
      demand(pick(call, 'function.name') === weather.name, `a call is ${show(call)}`);
      demand(
        typeof pick(call, 'function.arguments') === 'object',
        `arguments are ${show(pick(call, 'function.arguments'))}`,
      );
      demandCity(pick(call, 'function.arguments'));
    },
  ),
  check('ollama.tool.stream', 'a stream has the call too', 'LangChain: no call', async (probe) => {
    await weatherCall(probe);
    const found = await lines(probe, CHAT, chatBody(probe, asking));
    const calls = found.flatMap((line) => list(line, 'message.tool_calls'));
    demand(calls.length > 0, 'no line has message.tool_calls');
    demandCity(pick(calls[0], 'function.arguments'));
  }),
  check('ollama.tool.loop', 'a result is answered', 'all agents', async (probe) => {
    const call = await weatherCall(probe);
    const messages = [
      user(WEATHER_QUESTION),
      { role: 'assistant', content: '', tool_calls: [call] },
      { role: 'tool', content: WEATHER_RESULT, tool_name: weather.name },
    ];
    const reply = await chat(probe, { messages, tools });
    const goesOn = content(reply) !== '' || list(reply, 'message.tool_calls').length > 0;
    demand(goesOn, `message is ${show(pick(reply, 'message'))}`);
  }),
];

const asking = { messages: [user(WEATHER_QUESTION)], tools };

/** This format cannot require a call. */
async function weatherCall(probe: Probe): Promise<unknown> {
  const { status, body } = await probe.post(CHAT, chatBody(probe, asking));
  if (status === 400 && /support tools/.test(body)) skip(`${probe.model} has no tools`);
  const reply = await chat(probe, asking);
  const [call] = list(reply, 'message.tool_calls');
  if (call === undefined) skip(`the model made no call: ${show(content(reply))}`);
  return call;
}

export const errorChecks: readonly Check[] = [
  check('ollama.error.json', 'a body that is no JSON is refused', 'all clients', async (probe) => {
    demandText(await probe.post(CHAT, '{"model":'));
  }),
  check('ollama.error.type', 'a wrong `messages` is refused', 'all clients', async (probe) => {
    demandText(await probe.post(CHAT, chatBody(probe, { messages: 7 })));
  }),
  check('ollama.error.model', 'an unknown model is 404', 'Codex, front ends offer to pull it', async (probe) => {
    const exchange = await probe.post(CHAT, chatBody(probe, { model: 'no-such-model-here' }));
    if (exchange.status === 200) skip('the server answers for any name');
    demand(exchange.status === 404, exchange.describe());
    demandText(exchange);
  }),
  check('ollama.error.show', '/api/show of an unknown model is 404', 'ollama-js', async (probe) => {
    const exchange = await probe.post('/api/show', { model: 'no-such-model-here' });
    if (exchange.status === 200) skip('the server answers for any name');
    demand(exchange.status === 404, exchange.describe());
    demandText(exchange);
  }),
];

/** ollama-js prints `[object Object]` for anything but a text, and reads nothing without the content type. */
function demandText(exchange: Exchange): void {
  const json = demandRefusal(exchange);
  demand(text(json, 'error') !== '', `error is ${show(pick(json, 'error'))}, not a text`);
  demand(/application\/json/.test(exchange.contentType), `content-type is ${show(exchange.contentType)}`);
}

export const trafficChecks: readonly Check[] = [
  check('ollama.cancel', 'whoever leaves a stream holds nobody up', 'all servers with few slots', async (probe) => {
    const long = chatBody(probe, { stream: true, messages: [user('Tell me a long story.')] });
    return await leaveAndAsk(probe, CHAT, long, chatBody(probe, { options: { ...options, num_predict: 8 } }));
  }),
  check('ollama.concurrent', 'streams side by side are whole', 'everybody', async (probe) => {
    const bodies = [1, 2, 3, 4].map((seed) => chatBody(probe, { stream: true, options: { seed, num_predict: 48 } }));
    const exchanges = await Promise.all(bodies.map((body) => probe.again(CHAT, body)));
    const bad = exchanges.find(({ lines }) => lines.filter((line) => pick(line, 'done') === true).length !== 1);
    demand(bad === undefined, `one of ${bodies.length} streams: ${bad?.describe()}`);
  }),
  check(
    'ollama.markup',
    'no control tokens in anything that was said',
    'all clients show them to people',
    async (probe) => {
      demandNoMarkup(probe.replies.filter((reply) => !reply.includes('"template"')));
    },
  ),
];
