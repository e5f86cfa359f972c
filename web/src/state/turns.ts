import { signal } from '@preact/signals';
import type { ConsoleError, OutputToken, PromptToken, TurnBody, TurnEnd, Usage } from '../net/types.ts';

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

const KEPT = 100;

export function addTurn(record: TurnRecord): void {
  turns.value = [...turns.value.filter(({ id }) => id !== record.id), record].slice(-KEPT);
}

/** Puts those of earlier tabs before those of this one. */
export function addEarlier(records: readonly TurnRecord[]): void {
  const here = new Set(turns.value.map(({ id }) => id));
  turns.value = [...records.filter(({ id }) => !here.has(id)), ...turns.value].slice(-KEPT);
}

export function turnById(id: string): TurnRecord | undefined {
  return turns.value.find((turn) => turn.id === id);
}
