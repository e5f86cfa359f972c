import { signal } from '@preact/signals';
import type { ConsoleError, OutputToken, PromptToken, TurnBody, TurnEnd, Usage } from '../net/types.ts';
import { within } from './database.ts';

/** One turn of the model, as it was told with `trace`: what it was given, and what it wrote. */
export interface TracedStep {
  readonly prompt: readonly PromptToken[];
  /** Of the prompt, how many came from a kept prefix. */
  readonly cached: number;
  readonly output: readonly OutputToken[];
}

/** One answer, with all that a person needs to look into it or to run it again. */
export interface TurnRecord {
  /** The server's name of the turn. */
  readonly id: string;
  /** Unix ms. */
  readonly at: number;
  readonly model: string;
  readonly body: TurnBody;
  /** The conversation's title when it was answered, and the question. */
  readonly title: string;
  readonly question: string;
  /** One, and one more after each round of tool calls. Empty when it ran without trace. */
  readonly steps: readonly TracedStep[];
  readonly usage?: Usage;
  readonly end?: TurnEnd;
  readonly error?: ConsoleError;
}

/** Newest last. Those of this tab, and those kept from before. */
export const turns = signal<readonly TurnRecord[]>([]);

/** In the tab; in the browser's storage fewer, and none that is very long. */
const KEPT = 100;
const STORED = 50;
const LONGEST_STORED = 8192;

export function addTurn(record: TurnRecord): void {
  turns.value = [...turns.value.filter(({ id }) => id !== record.id), record].slice(-KEPT);
  void store(record);
}

export function turnById(id: string): TurnRecord | undefined {
  return turns.value.find((turn) => turn.id === id);
}

/** Reads those that were kept before this tab was opened. */
export async function openTurns(): Promise<void> {
  const stored = await within<TurnRecord[]>(['turns'], 'readonly', (t) => t.objectStore('turns').index('at').getAll());
  const whole = (stored ?? []).filter(({ id, body, steps }) => typeof id === 'string' && body && Array.isArray(steps));
  const here = new Set(turns.value.map(({ id }) => id));
  turns.value = [...whole.filter(({ id }) => !here.has(id)), ...turns.value].slice(-KEPT);
}

async function store(record: TurnRecord): Promise<void> {
  const tokens = record.steps.reduce((sum, { prompt, output }) => sum + prompt.length + output.length, 0);
  if (tokens === 0 || tokens > LONGEST_STORED) return;
  await within(['turns'], 'readwrite', (t) => {
    const all = t.objectStore('turns');
    all.put(record);
    const keys = all.index('at').getAllKeys();
    keys.onsuccess = () => {
      for (const key of keys.result.slice(0, -STORED)) all.delete(key);
    };
    return undefined;
  });
}
