/**
 * One suite of cases that every backend passes: each op against its formula in f64, on operands whose values are known
 * without the code under test. It knows no test runner, so that a benchmark or `doctor` could run it as well.
 */
import type { Backend } from './backend.ts';
import { attentionCases } from './conformance/attention.ts';
import { expertCases } from './conformance/experts.ts';
import { Lab, type Tolerances } from './conformance/lab.ts';
import { rowCases } from './conformance/rows.ts';

export type { Tolerances } from './conformance/lab.ts';

export interface ConformanceCase {
  /** A sentence about behaviour. */
  readonly name: string;
  /** Opens a backend of its own; throws what went wrong. */
  run(): Promise<void>;
}

/** All cases, for backends that `openBackend` makes and whose number formats cost what `tolerances` says. */
export function conformanceSuite(openBackend: () => Promise<Backend>, tolerances: Tolerances): ConformanceCase[] {
  return [...rowCases, ...expertCases, ...attentionCases].map(([name, check]) => ({
    name,
    async run() {
      const backend = await openBackend();
      try {
        await check(new Lab(backend, tolerances));
      } finally {
        backend.dispose();
      }
    },
  }));
}
