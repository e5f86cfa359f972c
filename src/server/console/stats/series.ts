import type { StatsSample } from '../../../api/index.ts';
import { Tally } from './tally.ts';

/** Samples of one length, the last so many of them. */
export class Series {
  readonly #seconds: number;
  readonly #capacity: number;
  readonly #samples: StatsSample[] = [];
  #open = new Tally();

  constructor(seconds: number, capacity: number) {
    this.#seconds = seconds;
    this.#capacity = capacity;
  }

  /** Takes the tally of the second or so that ends at `at`, Unix ms. */
  add(tally: Tally, at: number): void {
    this.#open.add(tally);
    if (this.#open.seconds < this.#seconds - 0.5) return; // timers are late by some milliseconds each
    this.#samples.push(this.#open.sample(at));
    if (this.#samples.length > this.#capacity) this.#samples.shift();
    this.#open = new Tally();
  }

  /** Those that ended after `since`, Unix ms. */
  since(since: number): readonly StatsSample[] {
    return this.#samples.filter(({ at }) => at > since);
  }
}
