import { signal } from '@preact/signals';
import { ApiError, json } from '../net/api.ts';
import type { ConsoleError, ModelList, PullState } from '../net/types.ts';

export const list = signal<ModelList | undefined>(undefined);
export const problem = signal<ConsoleError | undefined>(undefined);
/** What was asked of the server and is not done, by the model's name. */
export const busy = signal<ReadonlyMap<string, 'load' | 'unload'>>(new Map());
/** What went wrong with one model. */
export const failures = signal<ReadonlyMap<string, ConsoleError>>(new Map());
/** Names of pulls that have ended and that a person has seen; the server goes on telling of them. */
export const dismissed = signal<ReadonlySet<string>>(new Set());

const restMs = 5000;
const pullMs = 700;

/** Reads the list now and then, more often while something is pulled; not at all in a tab that nobody sees. */
export function watch(stop: AbortSignal): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tick = async () => {
    clearTimeout(timer);
    if (!document.hidden) await refresh(stop);
    const pulls = list.value?.pulls.some(({ status }) => status === 'running');
    if (!stop.aborted) timer = setTimeout(tick, pulls ? pullMs : restMs);
  };
  const seen = () => {
    if (!document.hidden) void tick();
  };
  document.addEventListener('visibilitychange', seen, { signal: stop });
  stop.addEventListener('abort', () => clearTimeout(timer), { once: true });
  wake = () => void tick();
  void tick();
}

let wake: () => void = () => undefined;

async function refresh(stop?: AbortSignal): Promise<void> {
  try {
    const found = await json<ModelList>('ossia/models', stop ? { signal: stop } : {});
    list.value = found;
    problem.value = undefined;
  } catch (cause) {
    if (!stop?.aborted) problem.value = plain(cause);
  }
}

export function dismiss(name: string): void {
  dismissed.value = new Set([...dismissed.value, name]);
}

export async function setLoaded(name: string, what: 'load' | 'unload'): Promise<void> {
  busy.value = new Map(busy.value).set(name, what);
  failures.value = without(failures.value, name);
  try {
    await json(`ossia/models/${what}`, { body: { name } });
  } catch (cause) {
    failures.value = new Map(failures.value).set(name, plain(cause));
  }
  await refresh();
  busy.value = without(busy.value, name);
}

/** Throws an `ApiError` when the server will not. */
export async function pull(name: string): Promise<void> {
  dismissed.value = new Set([...dismissed.value].filter((each) => each !== name));
  const state = await json<PullState>('ossia/models/pull', { body: { name } });
  if (list.value) {
    const others = list.value.pulls.filter((each) => each.name !== state.name);
    list.value = { ...list.value, pulls: [...others, state] };
  }
  wake();
}

export async function cancelPull(name: string): Promise<void> {
  await json('ossia/models/pull/cancel', { body: { name } }).catch(() => undefined); // it has ended by itself
  wake();
}

export function plain(cause: unknown): ConsoleError {
  if (cause instanceof ApiError) return cause.plain;
  return { code: 'console/failed', message: cause instanceof Error ? cause.message : String(cause), next: 'Try again' };
}

function without<T>(map: ReadonlyMap<string, T>, name: string): ReadonlyMap<string, T> {
  return new Map([...map].filter(([each]) => each !== name));
}
