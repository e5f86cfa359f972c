import { type ApiName, type Check, check, demand, isCount, pick, show, skip, text } from './check.ts';
import { demandTooLong, overlongText } from './context.ts';
import { demandRefusal, type Exchange } from './exchange.ts';
import type { Probe } from './probe.ts';

export interface ErrorRequests {
  readonly api: ApiName;
  readonly path: string;
  /** The parameter that holds the conversation. */
  readonly input: string;
  body(probe: Probe, more: Readonly<Record<string, unknown>>): unknown;
  /** A conversation of one question. */
  asking(question: string): unknown;
}

/** How OpenAI's formats say what is wrong. */
export function errorChecks({ api, path, input, body, asking }: ErrorRequests): readonly Check[] {
  const wrong = (probe: Probe) => probe.post(path, body(probe, { [input]: 7 }));
  return [
    check(`${api}.error.json`, 'a body that is no JSON is refused', 'all clients', async (probe) => {
      demandMessage(await probe.post(path, '{"model":'));
    }),
    check(`${api}.error.type`, `a wrong \`${input}\` is refused`, 'all clients', async (probe) => {
      demandMessage(await wrong(probe));
    }),
    check(
      `${api}.error.shape`,
      'errors have message, type, param and code',
      'openai: `error.code` is undefined',
      async (probe) => {
        const error = pick(demandRefusal(await wrong(probe)), 'error');
        const missing = ['message', 'type', 'param', 'code'].filter((key) => pick(error, key) === undefined);
        demand(missing.length === 0, `${missing.join(', ')} missing in ${show(error)}`);
      },
    ),
    check(
      `${api}.error.stream`,
      'a wrong request is refused, also where a stream was asked for',
      'openai: error as text',
      async (probe) => {
        demandMessage(await probe.post(path, body(probe, { [input]: 7, stream: true })));
      },
    ),
    check(`${api}.error.model`, 'an unknown model is 404', 'openai: NotFoundError', async (probe) => {
      const exchange = await probe.post(path, body(probe, { model: 'no-such-model-here' }));
      if (exchange.status === 200) skip('the server answers for any name');
      demand(exchange.status === 404, exchange.describe());
      demandMessage(exchange);
    }),
    check(
      `${api}.error.context`,
      'too long a conversation is refused by its code',
      'Codex, agents: they shorten it',
      async (probe) => {
        const { text: words, words: count } = await overlongText(probe);
        const exchange = await probe.post(path, body(probe, { [input]: asking(words) }));
        const usage = pick(exchange.json, 'usage');
        const error = demandTooLong(exchange, pick(usage, 'prompt_tokens') ?? pick(usage, 'input_tokens'), count);
        const code = pick(error, 'error.code');
        demand(code === 'context_length_exceeded', `error.code is ${show(code)}`);
      },
    ),
  ];
}

function demandMessage(exchange: Exchange): void {
  const json = demandRefusal(exchange);
  demand(text(json, 'error.message') !== '', `error.message is ${show(pick(json, 'error.message'))}`);
  demand(!isCount(pick(json, 'error.type')), `error.type is ${show(pick(json, 'error.type'))}`);
}
