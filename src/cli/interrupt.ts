import { constants } from 'node:os';
import process from 'node:process';

/**
 * A signal that fires at the first Ctrl-C (or SIGTERM), so that work in progress can end in order. At the second the
 * program leaves at once. `dispose` gives Ctrl-C back to whoever had it.
 */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** 130 after Ctrl-C, 143 after SIGTERM. */
  readonly exitCode: number;
  dispose(): void;
}

export function catchInterrupt(): Interrupt {
  const controller = new AbortController();
  let exitCode = 128 + constants.signals.SIGINT;
  const onSignal = (name: NodeJS.Signals) => {
    exitCode = 128 + constants.signals[name];
    if (controller.signal.aborted) process.exit(exitCode);
    controller.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    dispose() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    },
  };
}
