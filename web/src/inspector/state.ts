import { batch, computed, effect, signal } from '@preact/signals';
import { ApiError } from '../net/api.ts';
import type { ConsoleError, Routing } from '../net/types.ts';
import { goTo, route } from '../shell/route.ts';
import { type TracedStep, type TurnRecord, turns } from '../state/turns.ts';
import type { Measure } from './heat.ts';
import { routingOf } from './run.ts';
import { lengthOf } from './trace.ts';

export type View = 'tokens' | 'compare' | 'prompt';
export type Side = 'token' | 'experts';

/** Turns that can be looked into, newest first. */
export const traced = computed(() => turns.value.filter(({ steps }) => steps.length > 0).toReversed());

const wanted = computed(() => (route.value.page === 'inspector' ? route.value.rest : ''));

/** The one that the address names, or the newest. */
export const turn = computed<TurnRecord | undefined>(
  () => traced.value.find(({ id }) => id === wanted.value) ?? traced.value[0],
);

/** The one that the address names, when its tokens were not told. */
export const untraced = computed(() => turns.value.find(({ id, steps }) => id === wanted.value && steps.length === 0));

/** The address names a turn that is not kept. */
export const isForgotten = computed(() => wanted.value !== '' && !turns.value.some(({ id }) => id === wanted.value));

export const stepIndex = signal(0);
export const step = computed<TracedStep | undefined>(() => turn.value?.steps[stepIndex.value] ?? turn.value?.steps[0]);

export const view = signal<View>('tokens');
export const side = signal<Side>('token');
export const measure = signal<Measure>('probability');
export const dots = signal(false);
export const promptShown = signal(false);

/** Positions in the step's sequence. The pointer's token is shown as long as it rests on one. */
export const cursor = signal(0);
export const hovered = signal<number | undefined>(undefined);
export const shown = computed(() => hovered.value ?? cursor.value);

/** An expert whose tokens are marked in the text. */
export const expert = signal<{ readonly layer: number; readonly expert: number } | undefined>(undefined);
/** The turn beside which this one is laid. */
export const otherId = signal<string | undefined>(undefined);
export const other = computed(() => traced.value.find(({ id }) => id === otherId.value && id !== turn.value?.id));

export function openTurn(id: string): void {
  goTo('inspector', id);
}

/** To the first token that the model wrote. */
function start(): void {
  batch(() => {
    cursor.value = step.value?.prompt.length ?? 0;
    hovered.value = undefined;
    expert.value = undefined;
  });
}

effect(() => {
  void turn.value?.id;
  stepIndex.value = 0;
});
effect(() => {
  void step.value;
  start();
});

export function moveTo(position: number): void {
  const last = (step.value ? lengthOf(step.value) : 1) - 1;
  batch(() => {
    cursor.value = Math.max(0, Math.min(last, position));
    hovered.value = undefined;
    if (cursor.value < (step.value?.prompt.length ?? 0)) promptShown.value = true;
  });
}

export type RoutingState =
  | { readonly status: 'computing' }
  | { readonly status: 'done'; readonly routing: Routing }
  | { readonly status: 'failed'; readonly error: ConsoleError };

const routings = signal<ReadonlyMap<TracedStep, RoutingState>>(new Map());
/** Routings of long turns are large. */
const routingsKept = 6;

export function routingState(of: TracedStep): RoutingState | undefined {
  return routings.value.get(of);
}

export async function computeRouting(model: string, of: TracedStep): Promise<void> {
  if (routings.peek().get(of)?.status === 'computing') return;
  set(of, { status: 'computing' });
  try {
    set(of, { status: 'done', routing: await routingOf(model, of, AbortSignal.timeout(600_000)) });
  } catch (problem) {
    set(of, { status: 'failed', error: plain(problem) });
  }
}

function set(of: TracedStep, state: RoutingState): void {
  const others = [...routings.peek()].filter(([each]) => each !== of).slice(1 - routingsKept);
  routings.value = new Map([...others, [of, state]]);
}

export function plain(problem: unknown): ConsoleError {
  if (problem instanceof ApiError) return problem.plain;
  const message = problem instanceof Error ? problem.message : String(problem);
  return { code: 'console/failed', message, next: 'Try again' };
}
