import { type Logger, silent } from '../log.ts';
import { jsonLogger } from './json.ts';
import { LEVELS, type LogLevel, prettyLogger } from './pretty.ts';

export interface LogOptions {
  /** `json` for machines, `pretty` for people. */
  readonly format: 'json' | 'pretty' | 'off';
  /** The least that is written. Default `info`. */
  readonly level?: LogLevel;
  /** Takes whole lines. */
  readonly write: (text: string) => void;
}

/** The log of a server. What people ask and models answer is never in it. */
export function createLogger({ format, level = 'info', write }: LogOptions): Logger {
  if (format === 'off') return silent;
  return format === 'json' ? jsonLogger(level, { write }) : prettyLogger(level, write);
}

export { LEVELS, type LogLevel };
