import { json, type Reply } from '../reply.ts';
import { findCard, lend, nameOf } from './lending.ts';
import type { OllamaRequest, OllamaState } from './request.ts';
import type { ChatBody, GenerateBody } from './schema.ts';
import { keepAliveMs, timestamp } from './time.ts';

/** A request that says nothing: it loads its model; with a `keep_alive` of 0 it unloads it. `said`: an answer of no words. */
export async function loadOrUnload(
  body: ChatBody | GenerateBody,
  state: OllamaState,
  request: OllamaRequest,
  said: object,
): Promise<Reply> {
  const name = nameOf(body);
  const keepAlive = body.keep_alive;
  const unload = keepAlive !== undefined && keepAliveMs(keepAlive) === 0;
  if (unload) {
    const card = await findCard(state.host, name);
    if (state.host.unload) await state.host.unload(card.name);
    else if (card.loaded !== undefined) await letGo(state, card.name, request);
  } else {
    (await lend(state.host, name, { keepAlive, signal: request.signal })).release();
  }
  const line = { model: name, created_at: timestamp(), ...said, done: true, done_reason: unload ? 'unload' : 'load' };
  return body.stream === false ? json(line) : { type: 'ndjson', lines: once(line) };
}

/** A host that cannot unload lets go of a model that nobody wants kept. */
async function letGo({ host }: OllamaState, name: string, { signal }: OllamaRequest): Promise<void> {
  (await host.lend(name, { keepAliveMs: 0, signal })).release();
}

async function* once<T>(value: T): AsyncGenerator<T, void, undefined> {
  yield value;
}
