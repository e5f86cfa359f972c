import type { Host } from '../host.ts';
import type { Turns } from '../turns.ts';
import { CallMemory } from './call-memory.ts';
import { ModelSizes } from './model-sizes.ts';

/** What outlives a request. */
export interface OllamaState {
  readonly host: Host;
  readonly turns: Turns;
  readonly calls: CallMemory;
  readonly sizes: ModelSizes;
}

export function ollamaState({ host, turns }: { readonly host: Host; readonly turns: Turns }): OllamaState {
  return { host, turns, calls: new CallMemory(), sizes: new ModelSizes() };
}

/** Who asks. */
export interface OllamaRequest {
  readonly id: string;
  readonly client: string;
  /** Fires when whoever asked has left. */
  readonly signal: AbortSignal;
}
