import { problems } from '../index.ts';
import type { Terminal } from './terminal.ts';

/** Says, on standard error, why the native kernels are not used, what runs instead, and what to do about it. */
export function warnSlow({ err }: Terminal, reason: string): void {
  err.line(`note: ${reason}`);
  err.line('  so this runs on the reference backend, plain TypeScript, which is much slower');
  err.line(`  next: ${problems['backend/unavailable'].next}`);
}
