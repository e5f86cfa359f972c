import { demand, list, pick, skip, text } from '../check.ts';
import type { Exchange, SseEvent } from '../exchange.ts';
import { health, QUESTION, ROOM, WEATHER_QUESTION, weather } from '../fixtures.ts';
import type { Probe } from '../probe.ts';

export const PATH = '/v1/messages';

export type Json = Readonly<Record<string, unknown>>;

export const user = (content: unknown) => ({ role: 'user', content });
export const tools = [weather, health].map(({ parameters, ...tool }) => ({ ...tool, input_schema: parameters }));
export const toolsWanted = { messages: [user(WEATHER_QUESTION)], tools, tool_choice: { type: 'any' } };
export const thinkingWanted = { thinking: { type: 'enabled', budget_tokens: ROOM }, max_tokens: 2 * ROOM };

export function bodyOf(probe: Probe, more: Json = {}): Json {
  return { model: probe.model, max_tokens: ROOM, messages: [user(QUESTION)], ...more };
}

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

export interface StreamEvent extends SseEvent {
  readonly type: string;
}

/** The events of a stream that mean something: no pings. */
export async function events(probe: Probe, more: Json = {}): Promise<readonly StreamEvent[]> {
  const exchange = await ask(probe, { stream: true, ...more });
  if (exchange.status !== 200) skip(`no stream to look at: ${exchange.describe()}`);
  const found = exchange.events.map((event) => ({ ...event, type: text(event.data, 'type') || String(event.data) }));
  demand(found.length > 0, `no events in ${exchange.contentType}: ${exchange.describe()}`);
  return found.filter(({ type }) => type !== 'ping');
}

export const blocksOf = (message: unknown, type: string) =>
  list(message, 'content').filter((block) => pick(block, 'type') === type);

/** All that was said to the user. */
export const said = (message: unknown) =>
  blocksOf(message, 'text')
    .map((block) => text(block, 'text'))
    .join('');

/** Pieces of one kind, joined: `text_delta`, its `text`. */
export const told = (found: readonly StreamEvent[], type: string, field: string) =>
  found
    .filter(({ data }) => pick(data, 'delta.type') === type)
    .map(({ data }) => text(data, `delta.${field}`))
    .join('');

/** A call that the model made because it had to, with the whole content around it. */
export async function requiredCall(
  probe: Probe,
): Promise<{ readonly call: unknown; readonly content: readonly unknown[] }> {
  const exchange = await ask(probe, toolsWanted);
  const [call] = blocksOf(exchange.json, 'tool_use');
  if (call === undefined) skip(`no call to look at: ${exchange.describe()}`);
  return { call, content: list(exchange.json, 'content') };
}
