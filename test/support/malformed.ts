import { readFileSync } from 'node:fs';
import type { Json } from './chat-stream.ts';

const END_OF_TEXT = 199999;
/** `<|return|>`, `<|call|>`: an engine stops at these by itself. */
export const STOPS: ReadonlySet<number | undefined> = new Set([END_OF_TEXT, 200002, 200012]);

/** A broken turn of test/golden/harmony/malformed.json, and what is to be made of it. */
export interface MalformedTurn {
  readonly id: string;
  readonly tokens: readonly number[];
  readonly tools: readonly { readonly name: string; readonly parameters: Json }[];
  readonly finish: 'stop' | 'length';
  readonly expected: readonly {
    readonly surface: string;
    readonly content: string;
    readonly tool?: string;
    readonly incomplete?: true;
  }[];
}

export function malformedTurns(): MalformedTurn[] {
  const path = new URL('../golden/harmony/malformed.json', import.meta.url);
  const { toolsets, cases } = JSON.parse(readFileSync(path, 'utf8'));
  return cases.map(({ id, tokens, tools, finish, expected }: Json) => ({
    id,
    tokens: finish === 'stop' && !STOPS.has(tokens.at(-1)) ? [...tokens, END_OF_TEXT] : tokens,
    tools: toolsets[tools],
    finish,
    expected: expected.messages,
  }));
}
