import { pick } from '../../../src/conform/check.ts';
import type { SseEvent } from '../../../src/conform/exchange.ts';
import type { Fault } from '../faulty-server.ts';

export type Json = Record<string, unknown>;

/** A copy of parsed JSON in which every object, from the inside out, has gone through `change`. */
export function deep(value: unknown, change: (object: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((element) => deep(element, change));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, deep(inner, change)]);
  return change(Object.fromEntries(entries));
}

export const without = (name: string) => (object: Json) => {
  const { [name]: _, ...rest } = object;
  return rest;
};
/** Changes every object of every event. */
export const inEvents = (change: (object: Json) => Json) => (events: SseEvent[]) =>
  events.map(({ event, data }) => ({ event, data: deep(data, change) }));
export const inBody = (change: (object: Json) => Json) => (body: Json) => deep(body, change);
/** Leaves out events by the type in their data, or by what the data is. */
export const drop = (isDropped: (type: string, data: unknown) => boolean) => (events: SseEvent[]) =>
  events.filter(({ data }) => !isDropped(String(pick(data, 'type') ?? data), data));
export const isCallPiece = (object: Json) => 'function' in object;
export const hasThoughts = (object: Json) => typeof object.reasoning_content === 'string';

/** A fault, and the checks that must name it: those, and no others. */
export interface KnownFault extends Fault {
  readonly breaks: readonly string[];
}
