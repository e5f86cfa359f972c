import type { Clock } from './clock.ts';

/** Lets some wait until others have changed something. */
export class Changes {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  announce(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** True at the next change, false when `deadline` (ms since 1970) comes first. */
  next(deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (changed: boolean) => {
        this.#waiting.delete(wake);
        cancel?.();
        resolve(changed);
      };
      const wake = () => settle(true);
      this.#waiting.add(wake);
      const left = deadline - this.#clock.now();
      const cancel = left === Number.POSITIVE_INFINITY ? undefined : this.#clock.after(left, () => settle(false));
    });
  }
}
