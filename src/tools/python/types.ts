import type { Tool } from '../types.ts';

export interface PythonOptions {
  /** Milliseconds that one call may run. Default 120,000, as the model is told. */
  readonly timeoutMs?: number;
  /** Bytes of memory for an interpreter and its files, each. Default 512 MiB and 64 MiB. */
  readonly maxMemory?: number;
  readonly maxFiles?: number;
  /** Bytes of output that the model reads of one call. Default 64 KiB. */
  readonly maxOutput?: number;
  /** Interpreters that live at once, one for each conversation; the one that rested longest ends for a new one. Default 4. */
  readonly maxInterpreters?: number;
  /** Milliseconds after which a resting interpreter ends. Default 15 minutes. */
  readonly idleMs?: number;
  /** Milliseconds that Python may take to start. Default 60,000. */
  readonly startTimeoutMs?: number;
}

/** The `python` tool. */
export interface Python extends Tool {
  /** Starts an interpreter for the first conversation that asks. Rejects with `tools/no-python`. */
  warm(): Promise<void>;
}
