import type { PrefillBudget } from './plan.ts';
import { MAX_DRAFTED, type Speculate } from './speculation.ts';

export interface SchedulerOptions {
  /** Sequences that run side by side. Default 8. */
  readonly maxRunning?: number;
  /** Requests that may wait behind them; the next one is refused. Default 64. */
  readonly maxWaiting?: number;
  /** Blocks of finished prompts and turns to keep. Default: as many as there is room for. */
  readonly maxKept?: number;
  /** Prompt tokens a step, at most; fewer where that takes long: see `PrefillPace`. Default 1,024 alone, 256 beside decoding sequences. */
  readonly prefill?: PrefillBudget;
  /** Whether to guess ids that follow and compute them ahead, which changes no token: see `Speculate`. Default `auto`. */
  readonly speculate?: Speculate;
}

/** The options with their defaults, for a KV cache of `capacity` blocks. */
export function schedulerLimits(options: SchedulerOptions, capacity: number): Required<SchedulerOptions> {
  return {
    maxRunning: options.maxRunning ?? 8,
    maxWaiting: options.maxWaiting ?? 64,
    maxKept: Math.min(options.maxKept ?? capacity, capacity),
    prefill: options.prefill ?? { alone: 1024, besideDecode: 256 },
    speculate: options.speculate ?? 'auto',
  };
}

/** How many kept blocks keep what layers with a window need, of a KV cache of `capacity` blocks: a quarter, because few are places to go on from. */
export function keptWindows(capacity: number): number {
  return Math.min(capacity, Math.max(16, Math.ceil(capacity / 4)));
}

export interface WindowShape {
  /** Blocks. */
  readonly capacity: number;
  /** Positions in a block. */
  readonly blockSize: number;
  /** Positions that a layer with a window sees. */
  readonly window: number;
}

/**
 * Blocks of layers with a window that a scheduler may ever have in use: those that are kept, and of each running sequence
 * those that the begun block can see, the begun one, and those that its last step added: this one or the one before it,
 * because a sequence drops what it no longer sees when it grows.
 */
export function maxWindowBlocks({ capacity, blockSize, window }: WindowShape, options: SchedulerOptions): number {
  const { maxRunning, prefill, speculate } = schedulerLimits(options, capacity);
  const seen = Math.ceil(Math.max(0, window - 1) / blockSize);
  const drafted = speculate === 'off' ? 0 : MAX_DRAFTED;
  const tokens = Math.max(prefill.alone, prefill.besideDecode + drafted) + maxRunning;
  return Math.min(capacity, keptWindows(capacity) + maxRunning * (seen + 2) + 2 * Math.ceil(tokens / blockSize));
}
