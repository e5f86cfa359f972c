import type { ConsoleModel, MachineFacts, MemoryParts, PullState } from '../net/types.ts';

/** A piece of a bar that shows what something is made of. */
export interface Part {
  readonly name: string;
  readonly bytes: number;
  readonly look: 'experts' | 'dense' | 'kv' | 'other' | 'free';
}

export function partsOf({ experts, dense, kvCache }: MemoryParts): readonly Part[] {
  const all: readonly Part[] = [
    { name: 'experts', bytes: experts, look: 'experts' },
    { name: 'dense weights', bytes: dense, look: 'dense' },
    { name: 'KV cache', bytes: kvCache, look: 'kv' },
  ];
  return all.filter(({ bytes }) => bytes > 0);
}

export function totalOf({ experts, dense, kvCache }: MemoryParts): number {
  return experts + dense + kvCache;
}

/** Where the machine's memory is: with the loaded models, with everything else, nowhere. */
export function machineParts(machine: MachineFacts, models: readonly ConsoleModel[]): readonly Part[] {
  const used = Math.max(0, machine.memoryBytes - machine.freeMemoryBytes);
  const loaded = models.reduce((sum, { loaded }) => sum + (loaded ? totalOf(loaded.memory) : 0), 0);
  const ours = Math.min(loaded, used); // weights in a memory map count as free until they are read
  const all: readonly Part[] = [
    { name: 'loaded models', bytes: ours, look: 'experts' },
    { name: 'everything else', bytes: used - ours, look: 'other' },
    { name: 'free', bytes: machine.freeMemoryBytes, look: 'free' },
  ];
  return all.filter(({ bytes }) => bytes > 0);
}

/** Bytes read for each token, of which the estimate is made. */
export function bytesPerToken(model: ConsoleModel, machine: MachineFacts): number | undefined {
  const speed = model.estimate?.decodeTokensPerSecond;
  const bandwidth = machine.bandwidthBytesPerSecond;
  return speed === undefined || bandwidth === undefined || speed === 0 ? undefined : bandwidth / speed;
}

/** Milliseconds until a pull is done, as it goes now; undefined while that cannot be said. */
export function timeLeft({ doneBytes, totalBytes, bytesPerSecond }: PullState): number | undefined {
  if (totalBytes === 0 || bytesPerSecond <= 0) return undefined;
  return (Math.max(0, totalBytes - doneBytes) / bytesPerSecond) * 1000;
}

/** Whether what is still to be loaded down has a place; undefined: not known. */
export function hasPlace(bytes: number, machine: MachineFacts): boolean | undefined {
  return machine.freeDiskBytes === undefined ? undefined : bytes < machine.freeDiskBytes;
}
