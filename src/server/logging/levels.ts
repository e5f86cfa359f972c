export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  /** `json` for machines, `pretty` for people. */
  readonly format: 'json' | 'pretty' | 'off';
  /** The least that is written. Default `info`. */
  readonly level?: LogLevel;
  /** Takes whole lines. Default: standard error. */
  readonly write?: (text: string) => void;
}
