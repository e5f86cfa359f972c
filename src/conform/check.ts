import type { Probe } from './probe.ts';

/** The APIs that are tested, in the order of the table. */
export const APIS = ['responses', 'chat', 'ollama', 'anthropic'] as const;
export type ApiName = (typeof APIS)[number];

/** One contract between a server and the clients that people use. */
export interface Check {
  /** Stable: `chat.stream.role`. */
  readonly id: string;
  /** What must hold. */
  readonly title: string;
  /** Whom it breaks, and how. */
  readonly breaks: string;
  /** Returns when the contract is kept, with what is worth saying; throws `Broken` or `Skipped`. */
  run(probe: Probe): Promise<string | undefined>;
}

/** The contract is not kept. The message says what was found. */
export class Broken extends Error {}

/** The contract could not be tried, or is none that the server has to keep. The message says why. */
export class Skipped extends Error {}

export function check(
  id: string,
  title: string,
  breaks: string,
  run: (probe: Probe) => Promise<string | undefined> | Promise<void>,
): Check {
  return { id, title, breaks, run: async (probe) => (await run(probe)) ?? undefined };
}

/** Throws `Broken` with what was found instead. */
export function demand(condition: unknown, found: string): asserts condition {
  if (!condition) throw new Broken(found);
}

export function skip(why: string): never {
  throw new Skipped(why);
}

/** A value as it can be shown in a line. */
export function show(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 90 ? `${text.slice(0, 87)}…` : text;
}

/** What is in an object, for one that lacks something: `{id, object, usage}`. */
export function showKeys(value: unknown): string {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? `{${Object.keys(value).join(', ')}}` : show(value);
}

/** The value at a path through parsed JSON, `choices.0.delta.role`; undefined where the path ends early. */
export function pick(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, key) => {
    if (typeof at !== 'object' || at === null) return undefined;
    return Object.hasOwn(at, key) ? (at as Record<string, unknown>)[key] : undefined;
  }, value);
}

/** The list at a path; empty for what is none. */
export function list(value: unknown, path = ''): readonly unknown[] {
  const found = path === '' ? value : pick(value, path);
  return Array.isArray(found) ? found : [];
}

/** The text at a path; empty for what is none. */
export function text(value: unknown, path = ''): string {
  const found = path === '' ? value : pick(value, path);
  return typeof found === 'string' ? found : '';
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
