import type { LoadedModel } from '../index.ts';
import { warnSlow } from './slow-path.ts';
import type { Terminal } from './terminal.ts';

/** Says once what the user should know of a model that was just loaded: that it runs on a slower path, and why. */
export function announceModel(terminal: Terminal, { info }: LoadedModel): void {
  if (info.fallback !== undefined) warnSlow(terminal, info.fallback);
}
