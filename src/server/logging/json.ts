import { type DestinationStream, pino } from 'pino';
import type { Logger } from '../log.ts';
import type { LogLevel } from './levels.ts';

/** One JSON object a line, for machines: `level`, `time` (ISO 8601), the fields, `msg`. */
export function jsonLogger(level: LogLevel, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: {},
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}
