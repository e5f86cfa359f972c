import { demand, skip, text } from '../check.ts';
import type { Exchange } from '../exchange.ts';
import { health, QUESTION, ROOM, weather } from '../fixtures.ts';
import type { Probe } from '../probe.ts';

export const CHAT = '/api/chat';
export const GENERATE = '/api/generate';

export type Json = Readonly<Record<string, unknown>>;

export const user = (content: string) => ({ role: 'user', content });
export const tools = [weather, health].map((tool) => ({ type: 'function', function: tool }));
export const options = { temperature: 0, seed: 7, num_predict: ROOM };

export function chatBody(probe: Probe, more: Json = {}): Json {
  return { model: probe.model, messages: [user(QUESTION)], stream: false, options, ...more };
}

export function generateBody(probe: Probe, more: Json = {}): Json {
  return { model: probe.model, prompt: QUESTION, stream: false, options, ...more };
}

/** The reply to a request that has to work. */
export async function answer(probe: Probe, path: string, body: Json): Promise<unknown> {
  const exchange = await probe.post(path, body);
  demand(exchange.status === 200, exchange.describe());
  demand(exchange.json !== undefined, `the body is no JSON: ${exchange.describe()}`);
  return exchange.json;
}

export const chat = (probe: Probe, more: Json = {}) => answer(probe, CHAT, chatBody(probe, more));

/** The lines of a stream. */
export async function lines(probe: Probe, path: string, body: Json): Promise<unknown[]> {
  const exchange = await stream(probe, path, body);
  if (exchange.status !== 200) skip(`no stream to look at: ${exchange.describe()}`);
  demand(exchange.lines.length > 0, `nothing came: ${exchange.describe()}`);
  return exchange.lines;
}

export function stream(probe: Probe, path: string, body: Json): Promise<Exchange> {
  return probe.post(path, { ...body, stream: true });
}

export const content = (reply: unknown) => text(reply, 'message.content');
