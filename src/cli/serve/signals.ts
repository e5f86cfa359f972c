import { constants } from 'node:os';

export interface Stop {
  /** Resolves at the first SIGINT or SIGTERM. */
  readonly signalled: Promise<void>;
  /** Gives the signals back to whoever had them. */
  dispose(): void;
}

/** Waits for a signal; the second one ends the process at once, whatever is still going on. */
export function untilSignal(): Stop {
  let signalled = () => {};
  let count = 0;
  const promise = new Promise<void>((resolve) => {
    signalled = resolve;
  });
  const onSignal = (name: NodeJS.Signals) => {
    if (++count > 1) process.exit(128 + constants.signals[name]);
    signalled();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    signalled: promise,
    dispose() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    },
  };
}
