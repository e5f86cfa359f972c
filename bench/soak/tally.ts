import { table } from '../../src/cli/format.ts';

const SHOWN_FAILURES = 20;

/** What became of all requests, by scenario. */
export class Tally {
  readonly failures: string[] = [];
  readonly #counts = new Map<string, Map<string, number>>();

  add(scenario: string, verdict: string): void {
    const failed = verdict.startsWith('FAILED');
    if (failed) this.failures.push(`${scenario}: ${verdict}`);
    const counts = this.#counts.get(scenario) ?? new Map<string, number>();
    this.#counts.set(scenario, counts);
    const word = failed ? 'FAILED' : verdict;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }

  get requests(): number {
    return [...this.#counts.values()].flatMap((counts) => [...counts.values()]).reduce((sum, count) => sum + count, 0);
  }

  /** A line for each scenario. */
  lines(): string[] {
    const rows = [...this.#counts].sort().map(([scenario, counts]) => {
      const words = [...counts].sort((a, b) => b[1] - a[1]).map(([word, count]) => `${count} ${word}`);
      return [scenario, words.join(', ')];
    });
    return [...table(rows), ...this.failures.slice(0, SHOWN_FAILURES).map((failure) => `  ${failure}`)];
  }

  toJSON(): object {
    const counts = Object.fromEntries([...this.#counts].map(([name, words]) => [name, Object.fromEntries(words)]));
    return { counts, failures: this.failures };
  }
}
