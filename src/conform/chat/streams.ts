import { type Check, check, demand, isCount, list, pick, show, showKeys, skip, text } from '../check.ts';
import { demandWeather, health, mustReason } from '../fixtures.ts';
import { answer, ask, chunks, content, deltas, finishes, toolsWanted, usageWanted } from './requests.ts';

/** Pieces of calls, in the order in which they came. */
const callPieces = (found: readonly unknown[]) => found.flatMap((delta) => list(delta, 'tool_calls'));

/** What a stream has to have. */
export const streamChecks: readonly Check[] = [
  check('chat.stream.answers', 'a stream is one of events', 'all clients', async (probe) => {
    const exchange = await ask(probe, usageWanted);
    demand(exchange.status === 200, exchange.describe());
    demand(exchange.contentType.startsWith('text/event-stream'), `content-type is ${show(exchange.contentType)}`);
    const broken = exchange.events.find(({ data }) => typeof data === 'string' && data !== '[DONE]');
    demand(broken === undefined, `an event is no JSON: ${show(broken?.data)}`);
    const said = (await deltas(probe)).map((delta) => text(delta, 'content')).join('');
    demand(said !== '', 'no content came');
  }),
  check(
    'chat.stream.role',
    'the first delta has the role',
    'openai .stream(): missing role; LangChain: usage lost',
    async (probe) => {
      const [first] = await deltas(probe);
      demand(pick(first, 'role') === 'assistant', `the first delta is ${show(first)}`);
    },
  ),
  check(
    'chat.stream.finish',
    'a stream ends with its one finish_reason',
    'openai .stream(), AI SDK: error',
    async (probe) => {
      const found = finishes(await chunks(probe));
      demand(
        found.length === 1 && found[0] === 'stop',
        `finish_reason is ${found.length === 0 ? 'missing' : show(found)}`,
      );
    },
  ),
  check('chat.stream.done', 'a stream ends with [DONE]', 'many hand-written clients wait for it', async (probe) => {
    const exchange = await ask(probe, usageWanted);
    if (exchange.status !== 200) skip(`no stream to look at: ${exchange.describe()}`);
    const data = exchange.events.map((event) => event.data);
    demand(data.at(-1) === '[DONE]', `the last event is ${show(data.at(-1))}`);
  }),
  check(
    'chat.stream.envelope',
    'every chunk has id, object, created and model',
    'AI SDK, openai types',
    async (probe) => {
      const found = await chunks(probe);
      const bad = found.find(
        (chunk) =>
          text(chunk, 'id') === '' ||
          pick(chunk, 'object') !== 'chat.completion.chunk' ||
          !isCount(pick(chunk, 'created')) ||
          text(chunk, 'model') === '',
      );
      demand(bad === undefined, `a chunk is ${show(bad)}`);
      const ids = new Set(found.map((chunk) => text(chunk, 'id')));
      demand(ids.size === 1, `one stream has the ids ${show([...ids])}`);
    },
  ),
  check('chat.stream.choices', 'every choice has an index and a delta', 'openai .stream(): error', async (probe) => {
    const choices = (await chunks(probe)).flatMap((chunk) => list(chunk, 'choices'));
    const bad = choices.find((choice) => !isCount(pick(choice, 'index')) || typeof pick(choice, 'delta') !== 'object');
    demand(bad === undefined, `a choice is ${show(bad)}`);
  }),
  check('chat.stream.usage', 'include_usage gives usage', 'LangChain, AI SDK: no usage', async (probe) => {
    const usage = (await chunks(probe)).flatMap((chunk) => pick(chunk, 'usage') ?? []).at(-1);
    const [prompt, completion, total] = ['prompt', 'completion', 'total'].map((name) => pick(usage, `${name}_tokens`));
    demand(isCount(prompt) && isCount(completion) && isCount(total), `usage is ${show(usage)}`);
  }),
  check(
    'chat.stream.usage-choices',
    'every chunk has its choices, be they []',
    'openai, AI SDK: not iterable',
    async (probe) => {
      const bad = (await chunks(probe)).find((chunk) => !Array.isArray(pick(chunk, 'choices')));
      demand(bad === undefined, `a chunk has only ${showKeys(bad)}`);
    },
  ),
  check(
    'chat.stream.reasoning',
    'thoughts come as `reasoning`',
    "OpenAI's gpt-oss compatibility test",
    async (probe) => {
      await demandThoughts(probe, 'reasoning', 'reasoning_content');
    },
  ),
  check(
    'chat.stream.reasoning-content',
    'thoughts come as `reasoning_content`',
    'LangChain: no thoughts',
    async (probe) => {
      await demandThoughts(probe, 'reasoning_content', 'reasoning');
    },
  ),
  check(
    'chat.stream.no-early-empty',
    'no empty choices before the thoughts',
    "OpenAI's compatibility test throws",
    async (probe) => {
      const found = await chunks(probe);
      const isEmpty = (chunk: unknown) => list(chunk, 'choices').length === 0;
      const isSaid = (chunk: unknown) =>
        text(chunk, 'choices.0.delta.reasoning') + text(chunk, 'choices.0.delta.content');
      const first = found.findIndex((chunk) => isSaid(chunk) !== '');
      demand(!found.slice(0, Math.max(0, first)).some(isEmpty), `the first chunk is ${show(found[0])}`);
    },
  ),
  check(
    'chat.stream.same',
    'a stream says what the reply in one piece says',
    'one of the two is wrong',
    async (probe) => {
      const streamed = (await deltas(probe)).map((delta) => text(delta, 'content')).join('');
      const whole = content(await answer(probe));
      if (streamed !== whole) skip(`the model answers differently each time: ${show(streamed)}`);
    },
  ),
  check(
    'chat.stream.tool-index',
    'every piece of a call has its index',
    'openai: arguments lost, or an error; LangChain: {}',
    async (probe) => {
      const pieces = await toolPieces(probe);
      const bad = pieces.find((piece) => !isCount(pick(piece, 'index')));
      demand(bad === undefined, `a piece has only ${showKeys(bad)}`);
    },
  ),
  check(
    'chat.stream.tool-type',
    'a call begins with id, type and name',
    'openai .stream(): missing type',
    async (probe) => {
      const [first] = await toolPieces(probe);
      const whole =
        text(first, 'id') !== '' && pick(first, 'type') === 'function' && text(first, 'function.name') !== '';
      demand(whole, `the first piece is ${show(first)}`);
    },
  ),
  check('chat.stream.tool-arguments', 'the pieces of arguments make JSON that fits', 'all agents', async (probe) => {
    const pieces = (await toolPieces(probe)).filter((piece) => (pick(piece, 'index') ?? 0) === 0);
    const name = pieces.map((piece) => text(piece, 'function.name')).join('');
    if (name === health.name) skip('the model chose another tool');
    demandWeather(name, pieces.map((piece) => text(piece, 'function.arguments')).join(''));
  }),
  check(
    'chat.stream.tool-finish',
    'a stream with a call ends with `tool_calls`',
    'AI SDK: the loop ends',
    async (probe) => {
      await toolPieces(probe);
      const found = finishes(await chunks(probe, toolsWanted));
      demand(found.length === 1 && found[0] === 'tool_calls', `finish_reason is ${show(found)}`);
    },
  ),
];

async function toolPieces(probe: Parameters<Check['run']>[0]): Promise<unknown[]> {
  const pieces = callPieces(await deltas(probe, toolsWanted));
  if (pieces.length === 0) skip('no call came in the stream');
  return pieces;
}

async function demandThoughts(probe: Parameters<Check['run']>[0], name: string, other: string): Promise<void> {
  const found = await deltas(probe);
  const said = (field: string) => found.map((delta) => text(delta, field)).join('');
  if (said(name) !== '') return;
  if (!mustReason(probe.model) && said(other) === '')
    skip(`${probe.model} is not known to think, and shows no thoughts`);
  demand(false, `no delta has ${name}`);
}
