import { constants } from 'node:os';

/** A signal that fires at the first Ctrl-C (or SIGTERM), so that work in progress can end in order. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** 130 after Ctrl-C, 143 after SIGTERM. */
  readonly exitCode: number;
  /** Gives Ctrl-C back to whoever had it. */
  dispose(): void;
}

/** Who presses Ctrl-C `patience` times leaves at once, whatever is still going on. */
export function catchInterrupt(patience = 2): Interrupt {
  const controller = new AbortController();
  let exitCode = 128 + constants.signals.SIGINT;
  let pressed = 0;
  const onSignal = (name: NodeJS.Signals) => {
    exitCode = 128 + constants.signals[name];
    if (++pressed >= patience) process.exit(exitCode);
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
