/** How far back the dashboard looks. */
export interface Range {
  readonly name: string;
  readonly spanMs: number;
  /** Seconds of a sample. */
  readonly step: 1 | 10 | 60;
}

export const ranges = [
  { name: '5 min', spanMs: 300_000, step: 1 },
  { name: '1 h', spanMs: 3_600_000, step: 10 },
  { name: '24 h', spanMs: 86_400_000, step: 60 },
] as const satisfies readonly Range[];

/** Samples of a whole range, and a little more, so that the line begins left of the frame. */
export function capacityOf({ spanMs, step }: Range): number {
  return Math.ceil(spanMs / (step * 1000)) + 10;
}

/** Milliseconds until a lost connection is tried again: 1 s, 2 s, 4 s, … 15 s at most. */
export function retryAfter(failures: number): number {
  return Math.min(15_000, 1000 * 2 ** Math.min(10, failures - 1));
}
