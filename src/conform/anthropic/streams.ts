import { type Check, check, demand, isCount, pick, show, skip, text } from '../check.ts';
import { demandTooLong, overlongText } from '../context.ts';
import { demandRefusal, type Exchange } from '../exchange.ts';
import { demandCity, mustReason, parseObject } from '../fixtures.ts';
import { demandApart, demandNoMarkup, leaveAndAsk } from '../traffic.ts';
import { ask, bodyOf, events, PATH, type StreamEvent, thinkingWanted, told, toolsWanted, user } from './requests.ts';

/** The order and content of events. */
export const streamChecks: readonly Check[] = [
  check(
    'anthropic.stream.answers',
    'a stream is one of events, each named by its type',
    'Anthropic SDK: drops others',
    async (probe) => {
      const exchange = await ask(probe, { stream: true });
      demand(exchange.status === 200, exchange.describe());
      demand(exchange.contentType.startsWith('text/event-stream'), `content-type is ${show(exchange.contentType)}`);
      const bad = (await events(probe)).find(({ event, type }) => event !== type);
      demand(bad === undefined, `the event line says ${show(bad?.event)} for ${show(bad?.type)}`);
      demand(told(await events(probe), 'text_delta', 'text') !== '', 'no text came');
    },
  ),
  check(
    'anthropic.stream.start',
    'the first event is message_start, with usage',
    'Anthropic SDK: nothing after it counts',
    async (probe) => {
      const [first] = await events(probe);
      demand(first?.type === 'message_start', `the first event is ${show(first?.data)}`);
      demand(Array.isArray(pick(first.data, 'message.content')), `message is ${show(pick(first.data, 'message'))}`);
      demand(
        isCount(pick(first.data, 'message.usage.input_tokens')),
        `usage is ${show(pick(first.data, 'message.usage'))}`,
      );
    },
  ),
  check(
    'anthropic.stream.blocks',
    'blocks are started, told and stopped, one after the other',
    'Anthropic SDK: deltas are lost',
    async (probe) => {
      for (const more of [{}, toolsWanted, thinkingWanted]) demandBlocks(await events(probe, more));
    },
  ),
  check(
    'anthropic.stream.delta',
    'message_delta says why it ended, and the usage',
    'Claude Code: the loop ends',
    async (probe) => {
      const found = (await events(probe)).filter(({ type }) => type === 'message_delta');
      demand(found.length > 0, 'no message_delta came');
      const [delta] = found;
      demand(text(delta?.data, 'delta.stop_reason') === 'end_turn', `it says ${show(delta?.data)}`);
      demand(isCount(pick(delta?.data, 'usage.output_tokens')), `usage is ${show(pick(delta?.data, 'usage'))}`);
    },
  ),
  check('anthropic.stream.stop', 'the last event is message_stop', 'Anthropic SDK: no final message', async (probe) => {
    const last = (await events(probe)).at(-1);
    demand(last?.type === 'message_stop', `the last event is ${show(last?.data)}`);
  }),
  check(
    'anthropic.stream.thinking',
    'thoughts come as thinking_delta, then their signature',
    'Anthropic SDK, Claude Code',
    async (probe) => {
      const found = await events(probe, thinkingWanted);
      const thoughts = told(found, 'thinking_delta', 'thinking');
      if (thoughts === '' && !mustReason(probe.model)) skip(`${probe.model} is not known to think`);
      demand(thoughts !== '', 'no thinking_delta came');
      demand(told(found, 'signature_delta', 'signature') !== '', 'no signature_delta came');
    },
  ),
  check(
    'anthropic.stream.tool',
    'the pieces of an input make JSON that fits',
    'Anthropic SDK: an input of {}',
    async (probe) => {
      const found = await events(probe, toolsWanted);
      const start = found.find(({ data }) => pick(data, 'content_block.type') === 'tool_use');
      if (start === undefined) skip('no call came in the stream');
      demand(text(start.data, 'content_block.id') !== '', `the block is ${show(pick(start.data, 'content_block'))}`);
      const input = told(found, 'input_json_delta', 'partial_json');
      if (text(start.data, 'content_block.name') === 'get_weather') demandCity(parseObject(input), input);
      const reason = pick(found.find(({ type }) => type === 'message_delta')?.data, 'delta.stop_reason');
      demand(reason === 'tool_use', `stop_reason is ${show(reason)}`);
    },
  ),
];

function demandBlocks(found: readonly StreamEvent[]): void {
  let index = 0;
  let isOpen = false;
  for (const { type, data } of found) {
    if (!type.startsWith('content_block')) {
      if (type === 'message_delta') demand(!isOpen, `message_delta before content_block_stop of block ${index}`);
      continue;
    }
    demand(pick(data, 'index') === index, `${type} of block ${show(pick(data, 'index'))} where block ${index} is due`);
    demand(
      isOpen === (type !== 'content_block_start'),
      `${type} of block ${index} ${isOpen ? 'inside' : 'outside'} a block`,
    );
    isOpen = type !== 'content_block_stop';
    if (!isOpen) index++;
  }
  demand(index > 0, 'no block came');
}

export const errorChecks: readonly Check[] = [
  check('anthropic.error.json', 'a body that is no JSON is refused', 'all clients', async (probe) => {
    demandError(await probe.post(PATH, '{"model":'), 'invalid_request_error');
  }),
  check('anthropic.error.type', 'a wrong `messages` is refused', 'all clients', async (probe) => {
    demandError(await ask(probe, { messages: 7 }), 'invalid_request_error');
  }),
  check(
    'anthropic.error.stream',
    'a wrong request is refused, also where a stream was asked for',
    'Anthropic SDK',
    async (probe) => {
      demandError(await ask(probe, { messages: 7, stream: true }), 'invalid_request_error');
    },
  ),
  check('anthropic.error.model', 'an unknown model is 404', 'Anthropic SDK: NotFoundError', async (probe) => {
    const exchange = await ask(probe, { model: 'no-such-model-here' });
    if (exchange.status === 200) skip('the server answers for any name');
    demand(exchange.status === 404, exchange.describe());
    demandError(exchange, 'not_found_error');
  }),
  check(
    'anthropic.error.context',
    'too long a prompt is refused in the words that agents know',
    'Claude Code: does not compact',
    async (probe) => {
      const { text: words, words: count } = await overlongText(probe);
      const exchange = await ask(probe, { messages: [user(words)] });
      const error = demandTooLong(exchange, pick(exchange.json, 'usage.input_tokens'), count);
      const message = text(error, 'error.message');
      demand(/prompt is too long/i.test(message), `error.message is ${show(message)}`);
    },
  ),
];

function demandError(exchange: Exchange, type: string): void {
  const json = demandRefusal(exchange);
  demand(pick(json, 'type') === 'error', `type is ${show(pick(json, 'type'))}`);
  demand(text(json, 'error.message') !== '', `error.message is ${show(pick(json, 'error.message'))}`);
  demand(pick(json, 'error.type') === type, `error.type is ${show(pick(json, 'error.type'))}`);
}

export const trafficChecks: readonly Check[] = [
  check('anthropic.cancel', 'whoever leaves a stream holds nobody up', 'all servers with few slots', async (probe) => {
    const long = bodyOf(probe, { stream: true, messages: [user('Tell me a long story.')] });
    return await leaveAndAsk(probe, PATH, long, bodyOf(probe, { max_tokens: 8 }));
  }),
  check('anthropic.concurrent', 'streams side by side do not mix', 'everybody', async (probe) => {
    const bodies = ['one', 'two', 'three', 'four'].map((word) =>
      bodyOf(probe, { stream: true, messages: [user(`Say ${word}.`)], max_tokens: 48 }),
    );
    await demandApart(probe, PATH, bodies, (data) => text(data, 'message.id') || undefined);
  }),
  check(
    'anthropic.markup',
    'no control tokens in anything that was said',
    'all clients show them to people',
    async (probe) => {
      demandNoMarkup(probe.replies);
    },
  ),
];
