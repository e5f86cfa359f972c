import { createHash } from 'node:crypto';
import type { ModelInfo } from '../../chat/index.ts';
import type { Host } from '../host.ts';
import type { Turns } from '../turns.ts';

/** What outlives a request. */
export interface Service {
  readonly host: Host;
  readonly turns: Turns;
  /** Of the package. */
  readonly version: string;
}

/** Who asks. */
export interface Caller {
  readonly client: string;
  readonly signal: AbortSignal;
}

/** The same as long as a seed gives the same tokens: for a model, a backend and a version of this program. */
export function systemFingerprint({ name, backend, dense, sizeBytes }: ModelInfo, version: string): string {
  const hash = createHash('sha256').update(JSON.stringify([name, backend, dense, sizeBytes, version]));
  return `fp_${hash.digest('hex').slice(0, 10)}`;
}
