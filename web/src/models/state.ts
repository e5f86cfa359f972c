import { signal } from '@preact/signals';
import { ApiError, json } from '../net/api.ts';
import type { ConsoleError, ModelList, PullState } from '../net/types.ts';

export const list = signal<ModelList | undefined>(undefined);
export const problem = signal<ConsoleError | undefined>(undefined);
/** What was asked of the server and is not done, by the model's name. */
export const busy = signal<ReadonlyMap<string, 'load' | 'unload'>>(new Map());
/** What went wrong with one model. */
export const failures = signal<ReadonlyMap<string, ConsoleError>>(new Map());
/** Pulls of this visit that have ended, newest last: the server forgets them. */
export const ended = signal<readonly PullState[]>([]);

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
    keepEnded(found);
    list.value = found;
    problem.value = undefined;
  } catch (cause) {
    if (!stop?.aborted) problem.value = plain(cause);
  }
}

/** A pull that ran a moment ago and is told no more is over. */
function keepEnded(found: ModelList): void {
  const told = found.pulls.filter(({ status }) => status !== 'running');
  const gone = (list.value?.pulls ?? []).filter(
    ({ name, status }) => status === 'running' && !found.pulls.some((pull) => pull.name === name),
  );
  const isHere = (name: string) =>
    found.models.some((model) => model.name === name || model.otherNames.includes(name) || model.from === name);
  const now = [
    ...told,
    ...gone.map((pull) => ({ ...pull, status: isHere(pull.name) ? 'done' : 'cancelled' }) as const),
  ];
  if (now.length === 0) return;
  const names = new Set([...now.map(({ name }) => name), ...found.pulls.map(({ name }) => name)]);
  ended.value = [...ended.value.filter(({ name }) => !names.has(name)), ...now].slice(-10);
}

export function dismiss(name: string): void {
  ended.value = ended.value.filter((pull) => pull.name !== name);
  dismissed.add(name);
}

/** The server may go on telling of a pull that has ended. */
const dismissed = new Set<string>();
export function isDismissed({ name, status }: PullState): boolean {
  return status !== 'running' && dismissed.has(name);
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
  dismissed.delete(name);
  ended.value = ended.value.filter((each) => each.name !== name);
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
