import { demand, list, pick, skip, text } from '../check.ts';
import type { Exchange } from '../exchange.ts';
import { health, QUESTION, ROOM, WEATHER_QUESTION, weather } from '../fixtures.ts';
import type { Probe } from '../probe.ts';

export const PATH = '/v1/chat/completions';

export type Json = Readonly<Record<string, unknown>>;

export const user = (content: unknown) => ({ role: 'user', content });
export const tools = [weather, health].map((tool) => ({ type: 'function', function: tool }));

/** A request that every server should answer. */
export function bodyOf(probe: Probe, more: Json = {}): Json {
  return { model: probe.model, messages: [user(QUESTION)], temperature: 0, seed: 7, max_tokens: ROOM, ...more };
}

export const usageWanted = { stream: true, stream_options: { include_usage: true } };
export const toolsWanted = { messages: [user(WEATHER_QUESTION)], tools, tool_choice: 'required' };

export function ask(probe: Probe, more: Json = {}): Promise<Exchange> {
  return probe.post(PATH, bodyOf(probe, more));
}

/** The reply to a request that has to work. */
export async function answer(probe: Probe, more: Json = {}): Promise<unknown> {
  const exchange = await ask(probe, more);
  demand(exchange.status === 200, exchange.describe());
  demand(exchange.json !== undefined, `the body is no JSON: ${exchange.describe()}`);
  return exchange.json;
}

/** Chunks of a stream, without `[DONE]`. */
export async function chunks(probe: Probe, more: Json = {}): Promise<unknown[]> {
  const exchange = await ask(probe, { ...usageWanted, ...more });
  if (exchange.status !== 200) skip(`no stream to look at: ${exchange.describe()}`);
  const found = exchange.events.map(({ data }) => data).filter((data) => data !== '[DONE]');
  demand(found.length > 0, `no events in ${exchange.contentType}: ${exchange.describe()}`);
  return found;
}

/** The deltas of a stream's only choice. */
export async function deltas(probe: Probe, more: Json = {}): Promise<unknown[]> {
  return (await chunks(probe, more)).flatMap((chunk) => list(chunk, 'choices')).map((choice) => pick(choice, 'delta'));
}

export const message = (reply: unknown) => pick(reply, 'choices.0.message');
export const content = (reply: unknown) => text(reply, 'choices.0.message.content');
export const finish = (reply: unknown) => pick(reply, 'choices.0.finish_reason');
export const finishes = (found: readonly unknown[]) =>
  found.flatMap((chunk) => list(chunk, 'choices')).flatMap((choice) => pick(choice, 'finish_reason') ?? []);

/** A call that the model made because it had to. */
export async function requiredCall(probe: Probe): Promise<unknown> {
  const exchange = await ask(probe, toolsWanted);
  const call = pick(message(exchange.json), 'tool_calls.0');
  if (call === undefined) skip(`no call to look at: ${exchange.describe()}`);
  return call;
}
