import { type Check, check, demand, isCount, list, pick, show, skip, text } from '../check.ts';
import { mustReason } from '../fixtures.ts';
import type { Probe } from '../probe.ts';
import { ask, events, itemsOf, ofType, type StreamEvent, said, toolsWanted } from './requests.ts';

/** The order and content of events. */
export const streamChecks: readonly Check[] = [
  check('responses.stream.answers', 'a stream is one of events', 'all clients', async (probe) => {
    const exchange = await ask(probe, { stream: true });
    demand(exchange.status === 200, exchange.describe());
    demand(exchange.contentType.startsWith('text/event-stream'), `content-type is ${show(exchange.contentType)}`);
    const broken = (await events(probe)).find(({ data }) => typeof data === 'string' && data !== '[DONE]');
    demand(broken === undefined, `an event is no JSON: ${show(broken?.data)}`);
  }),
  check('responses.stream.created', 'the first event is response.created', 'openai .stream(): error', async (probe) => {
    const [first] = await events(probe);
    demand(first?.type === 'response.created', `the first event is ${show(first?.data)}`);
    demand(text(first.data, 'response.id') !== '', `its response is ${show(pick(first.data, 'response'))}`);
  }),
  check(
    'responses.stream.completed',
    'the last event is response.completed',
    'Codex: asks 5 times again; Agents SDK: error',
    async (probe) => {
      const last = (await events(probe)).filter(({ type }) => type !== '[DONE]').at(-1);
      demand(last?.type === 'response.completed', `the last event is ${show(last?.type)}`);
      demand(text(last.data, 'response.id') !== '', 'its response has no id');
      demand(isCount(pick(last.data, 'response.usage.total_tokens')), 'its response has no usage');
    },
  ),
  check(
    'responses.stream.no-early-done',
    'no [DONE] before response.completed',
    'openai, Agents SDK: the end is lost',
    async (probe) => {
      const types = (await events(probe)).map(({ type }) => type);
      const done = types.indexOf('[DONE]');
      demand(done < 0 || done > types.indexOf('response.completed'), `[DONE] is event ${done} of ${types.length}`);
    },
  ),
  check(
    'responses.stream.output',
    'response.completed has the whole output',
    'Agents SDK, AI SDK: nothing is built from deltas',
    async (probe) => {
      const found = await events(probe);
      const response = pick(ofType(found, 'response.completed')[0], 'response');
      const told = ofType(found, 'response.output_text.delta')
        .map((data) => text(data, 'delta'))
        .join('');
      demand(
        said(response) !== '' && said(response) === told,
        `it says ${show(said(response))}, the deltas ${show(told)}`,
      );
    },
  ),
  check('responses.stream.names', 'the event line says the type', 'clients that switch on it', async (probe) => {
    const found = (await events(probe)).filter(({ type }) => type !== '[DONE]');
    const bad = found.find(({ event, type }) => event !== undefined && event !== type);
    demand(bad === undefined, `${show(bad?.event)} for ${show(bad?.type)}`);
  }),
  check('responses.stream.sequence', 'sequence numbers count up', 'openai: resuming a stream', async (probe) => {
    const numbers = (await events(probe)).flatMap(({ data }) => pick(data, 'sequence_number') ?? []);
    const good = numbers.every((number, i) => isCount(number) && (i === 0 || number === Number(numbers[i - 1]) + 1));
    demand(good, `they are ${show(numbers)}`);
  }),
  check(
    'responses.stream.item',
    'items are added before their deltas',
    'Codex: delta without active item',
    async (probe) => {
      const found = await events(probe);
      const added = found.findIndex(({ type, data }) => isAdded(type) && pick(data, 'item.type') === 'message');
      const delta = found.findIndex(({ type }) => type === 'response.output_text.delta');
      demand(delta >= 0, 'no response.output_text.delta came');
      demand(added >= 0 && added < delta, 'response.output_item.added is missing before the text');
      const bad = found.find(({ type, data }) => isAdded(type) && !isCount(pick(data, 'output_index')));
      demand(bad === undefined, `an event is ${show(bad?.data)}`);
    },
  ),
  check(
    'responses.stream.part',
    'content parts are added before their deltas',
    'openai .stream(): missing content',
    async (probe) => {
      demandPart(await events(probe), 'output_text', 'response.output_text.delta');
    },
  ),
  check(
    'responses.stream.item-done',
    'every item that was added is done',
    'Codex, AI SDK: it never happened',
    async (probe) => {
      const found = await events(probe);
      const [added, done] = ['added', 'done'].map((word) => ofType(found, `response.output_item.${word}`).length);
      demand(added! > 0 && added === done, `${added} added, ${done} done`);
    },
  ),
  check(
    'responses.stream.annotations',
    'output_text in events has annotations too',
    "LangChain: reading 'map' of undefined",
    async (probe) => {
      const found = await events(probe);
      const parts = [
        ...ofType(found, 'response.content_part.added').map((data) => pick(data, 'part')),
        ...ofType(found, 'response.output_item.done').flatMap((data) => list(data, 'item.content')),
        ...ofType(found, 'response.completed')
          .flatMap((data) => itemsOf(pick(data, 'response'), 'message'))
          .flatMap((item) => list(item, 'content')),
      ];
      const bad = parts.find(
        (part) => pick(part, 'type') === 'output_text' && !Array.isArray(pick(part, 'annotations')),
      );
      demand(bad === undefined, `a part is ${show(bad)}`);
    },
  ),
  check(
    'responses.stream.reasoning',
    'thoughts come as reasoning_text, delta and done',
    "OpenAI's gpt-oss compatibility test",
    async (probe) => {
      const found = await thinking(probe);
      const deltas = ofType(found, 'response.reasoning_text.delta');
      const done = ofType(found, 'response.reasoning_text.done')
        .map((data) => text(data, 'text'))
        .join('');
      demand(deltas.length > 0 && done !== '', `${deltas.length} deltas, ${show(done)} at the end`);
      demand(
        deltas.map((data) => text(data, 'delta')).join('') === done,
        'the deltas do not make what is said at the end',
      );
      demand(
        deltas.every((data) => isCount(pick(data, 'content_index'))),
        `Codex needs content_index: ${show(deltas[0])}`,
      );
    },
  ),
  check(
    'responses.stream.reasoning-part',
    'a part of thoughts is added before its deltas',
    'openai .stream(): missing content',
    async (probe) => {
      demandPart(await thinking(probe), 'reasoning_text', 'response.reasoning_text.delta');
    },
  ),
  check(
    'responses.stream.summary',
    'a summary that is asked for comes',
    'AI SDK: shows no other thoughts',
    async (probe) => {
      const found = await thinking(probe, { reasoning: { summary: 'auto' } });
      const deltas = ofType(found, 'response.reasoning_summary_text.delta');
      demand(deltas.length > 0, 'no response.reasoning_summary_text.delta came');
      demand(
        ofType(found, 'response.reasoning_summary_part.added').length > 0,
        'no response.reasoning_summary_part.added came',
      );
      demand(
        deltas.every((data) => isCount(pick(data, 'summary_index'))),
        `Codex needs summary_index: ${show(deltas[0])}`,
      );
    },
  ),
  check(
    'responses.stream.call',
    'a call is added, told and done, with its id',
    'AI SDK: type validation; Codex: nothing is called',
    async (probe) => {
      const found = await events(probe, toolsWanted);
      const isCall = (data: unknown) => pick(data, 'item.type') === 'function_call';
      const added = ofType(found, 'response.output_item.added').find(isCall);
      if (added === undefined) skip('no call came in the stream');
      const done = ofType(found, 'response.output_item.done').find(isCall);
      demand(done !== undefined, 'no response.output_item.done came for it');
      for (const item of [pick(added, 'item'), pick(done, 'item')]) {
        const whole = text(item, 'id') !== '' && text(item, 'call_id') !== '' && text(item, 'name') !== '';
        demand(whole, `the item is ${show(item)}`);
      }
      const deltas = ofType(found, 'response.function_call_arguments.delta')
        .map((data) => text(data, 'delta'))
        .join('');
      const told = text(done, 'item.arguments');
      demand(
        told !== '' && (deltas === '' || deltas === told),
        `the deltas make ${show(deltas)}, the item has ${show(told)}`,
      );
      demand(
        ofType(found, 'response.function_call_arguments.done').length > 0,
        'no response.function_call_arguments.done came',
      );
    },
  ),
];

const isAdded = (type: string) => type === 'response.output_item.added';

/** Events of a stream with thoughts in it. */
async function thinking(probe: Probe, more: Readonly<Record<string, unknown>> = {}): Promise<readonly StreamEvent[]> {
  const found = await events(probe, more);
  if (!mustReason(probe.model) && !found.some(({ type }) => type.startsWith('response.reasoning'))) {
    skip(`${probe.model} is not known to think`);
  }
  return found;
}

function demandPart(found: readonly StreamEvent[], partType: string, deltaType: string): void {
  const isPart = ({ type, data }: StreamEvent) =>
    type === 'response.content_part.added' && pick(data, 'part.type') === partType;
  const [part, delta] = [found.findIndex(isPart), found.findIndex(({ type }) => type === deltaType)];
  demand(delta >= 0, `no ${deltaType} came`);
  demand(part >= 0 && part < delta, `response.content_part.added with ${partType} is missing before ${deltaType}`);
}
