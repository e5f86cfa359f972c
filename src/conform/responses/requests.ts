import { demand, list, pick, skip, text } from '../check.ts';
import type { Exchange, SseEvent } from '../exchange.ts';
import { health, QUESTION, ROOM, WEATHER_QUESTION, weather } from '../fixtures.ts';
import type { Probe } from '../probe.ts';

export const PATH = '/v1/responses';

export type Json = Readonly<Record<string, unknown>>;

export const tools = [weather, health].map((tool) => ({ type: 'function', ...tool, strict: false }));

export function bodyOf(probe: Probe, more: Json = {}): Json {
  return { model: probe.model, input: QUESTION, temperature: 0, max_output_tokens: ROOM, ...more };
}

export const toolsWanted = { input: WEATHER_QUESTION, tools, tool_choice: 'required' };

export function ask(probe: Probe, more: Json = {}): Promise<Exchange> {
  return probe.post(PATH, bodyOf(probe, more));
}

/** The response to a request that has to work. */
export async function answer(probe: Probe, more: Json = {}): Promise<unknown> {
  const exchange = await ask(probe, more);
  demand(exchange.status === 200, exchange.describe());
  demand(exchange.json !== undefined, `the body is no JSON: ${exchange.describe()}`);
  return exchange.json;
}

export interface StreamEvent extends SseEvent {
  /** `response.created` */
  readonly type: string;
}

/** Events of a stream, `[DONE]` among them as a type. */
export async function events(probe: Probe, more: Json = {}): Promise<readonly StreamEvent[]> {
  const exchange = await ask(probe, { stream: true, ...more });
  if (exchange.status !== 200) skip(`no stream to look at: ${exchange.describe()}`);
  const found = exchange.events.map((event) => ({ ...event, type: text(event.data, 'type') || String(event.data) }));
  demand(found.length > 0, `no events in ${exchange.contentType}: ${exchange.describe()}`);
  return found;
}

export const ofType = (found: readonly StreamEvent[], type: string) =>
  found.filter((event) => event.type === type).map(({ data }) => data);

export const itemsOf = (response: unknown, type: string) =>
  list(response, 'output').filter((item) => pick(item, 'type') === type);

/** All that was said to the user. */
export const said = (response: unknown) =>
  itemsOf(response, 'message')
    .flatMap((item) => list(item, 'content'))
    .map((part) => text(part, 'text'))
    .join('');

/** A call that the model made because it had to, with what came before it. */
export async function requiredCall(
  probe: Probe,
): Promise<{ readonly call: unknown; readonly output: readonly unknown[] }> {
  const exchange = await ask(probe, toolsWanted);
  const call = itemsOf(exchange.json, 'function_call')[0];
  if (call === undefined) skip(`no call to look at: ${exchange.describe()}`);
  return { call, output: list(exchange.json, 'output') };
}
