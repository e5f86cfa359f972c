import { randomUUID } from 'node:crypto';
import type { ChatEvent, ChatOptions } from '../../chat/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { whenDone } from '../chat-completions/merge.ts';
import type { Host } from '../host.ts';
import { withPreset } from '../preset.ts';
import type { Reply, SseEvent } from '../reply.ts';
import type { Turns } from '../turns.ts';
import { consoleErrorOf } from './errors.ts';
import { OutputTokens } from './output-tokens.ts';
import { promptTokens } from './prompt-tokens.ts';
import type { ConsoleEvent, TurnBody } from './types.ts';

/** Alternatives that a trace shows beside each token. */
const ALTERNATIVES = 8;

export interface ConsoleService {
  readonly host: Host;
  readonly turns: Turns;
}

export interface ConsoleCaller {
  readonly client: string;
  /** Fires when whoever asked has left. */
  readonly signal: AbortSignal;
}

/**
 * `POST /ossia/turns`: a turn as a stream of `ConsoleEvent`s. Rejects with what is wrong with the request; what goes wrong later
 * is an `error` event.
 */
export async function consoleTurn(
  body: TurnBody,
  { host, turns }: ConsoleService,
  caller: ConsoleCaller,
): Promise<Reply> {
  const id = `turn_${randomUUID().replaceAll('-', '')}`;
  const lease = await host.lend(body.model, { signal: caller.signal });
  const stop = new AbortController();
  const done = () => {
    stop.abort();
    lease.release();
  };
  try {
    const { messages, options } = withPreset(lease, body.messages, optionsOf(body));
    const events = await turns.start(lease.model, messages, options, {
      id,
      api: 'console',
      client: caller.client,
      signal: AbortSignal.any([caller.signal, stop.signal]),
      loadMs: lease.loadMs,
    });
    const begin: ConsoleEvent = { type: 'begin', id, model: lease.name, loadMs: lease.loadMs };
    return { type: 'sse', events: whenDone(told(begin, events, lease.model.tokenizer), done) };
  } catch (error) {
    done();
    throw error;
  }
}

function optionsOf({ options = {}, trace }: TurnBody): ChatOptions {
  return { ...options, ...(trace ? { trace, topLogprobs: ALTERNATIVES } : {}) };
}

async function* told(
  begin: ConsoleEvent,
  events: AsyncIterable<ChatEvent>,
  tokenizer: Tokenizer,
): AsyncGenerator<SseEvent, void, undefined> {
  let tokens = new OutputTokens(tokenizer);
  const say = (data: ConsoleEvent): SseEvent => ({ data });
  try {
    yield say(begin);
    for await (const event of events) {
      if (event.type === 'prompt') {
        tokens = new OutputTokens(tokenizer);
        yield say({ type: 'prompt', tokens: promptTokens(event.ids, tokenizer), cached: event.cachedTokens });
      } else if (event.type === 'token') yield say({ type: 'trace', ...tokens.push(event) });
      else yield say(event as ConsoleEvent);
    }
  } catch (error) {
    yield say({ type: 'error', error: consoleErrorOf(error) });
  }
}
