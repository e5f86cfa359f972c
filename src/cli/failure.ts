import { OssiaError, problems } from '../index.ts';
import { printable, type Terminal } from './terminal.ts';

/** What the command reports to its caller. */
export const EXIT = { ok: 0, error: 1, usage: 2, interrupted: 130 } as const;

/** Wrong flags or arguments: found before any work began. */
export function usage(message: string, next?: string): OssiaError {
  return new OssiaError('cli/usage', message, next === undefined ? {} : { details: { next } });
}

/** The three things a reader needs: what happened, its code, and what to do. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

export function describe(error: unknown): Failure {
  if (error instanceof OssiaError) {
    const next = error.details.next;
    return { code: error.code, message: error.message, next: typeof next === 'string' ? next : error.next };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof RangeError || error instanceof TypeError ? 'cli/bad-input' : 'cli/unexpected';
  return { code, message, next: problems[code].next };
}

export function printFailure(terminal: Terminal, error: unknown, debug: boolean): void {
  const { err } = terminal;
  const { code, message, next } = describe(error);
  err.freshLine();
  err.line(`${err.red('error')}: ${printable(message)}`);
  err.line(`  ${code}`);
  err.line(`  next: ${next}`);
  if (debug && error instanceof Error) err.line(stackWithCauses(error));
}

function stackWithCauses(error: Error): string {
  const own = error.stack ?? String(error);
  return error.cause instanceof Error ? `${own}\ncaused by: ${stackWithCauses(error.cause)}` : own;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof OssiaError && error.code === 'cli/usage' ? EXIT.usage : EXIT.error;
}
