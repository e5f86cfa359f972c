import { type Logger, silent } from '../log.ts';
import { jsonLogger } from './json.ts';
import type { LogOptions } from './levels.ts';
import { prettyLogger } from './pretty.ts';

/** The log of a server. What people ask and models answer is never in it. */
export function createLogger({ format, level = 'info', write = toStandardError }: LogOptions): Logger {
  if (format === 'off') return silent;
  return format === 'json' ? jsonLogger(level, { write }) : prettyLogger(level, write);
}

/** A log of one's own, or how to make one; none where nothing is said. */
export function loggerOf(log: Logger | LogOptions | undefined): Logger {
  if (log === undefined) return silent;
  return 'format' in log ? createLogger(log) : log;
}

function toStandardError(text: string): void {
  process.stderr.write(text);
}
