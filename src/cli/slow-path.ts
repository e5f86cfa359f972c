import { describe } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** Says, on standard error, that the native kernels are not there, what runs instead, and what to do about it. */
export function warnSlow({ err }: Terminal, error: unknown): void {
  const { message, next } = describe(error);
  err.line(`note: ${message}`);
  err.line('  running on the reference backend, plain TypeScript, which is much slower');
  err.line(`  next: ${next}`);
}
