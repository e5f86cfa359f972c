import { readMemory } from '../../base/index.ts';

/** The rest is for everything else: the server itself, the system, and what reads and writes files. */
const SHARE = 0.9;

/** What models may take unless the server is told otherwise: a share of the machine's memory, or of the container's bound. */
export function defaultMemoryBytes(): number {
  const { totalBytes, limitBytes } = readMemory();
  return Math.floor(SHARE * Math.min(totalBytes, limitBytes ?? totalBytes));
}
