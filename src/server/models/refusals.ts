import { OssiaError } from '../../base/index.ts';

/** Why the pool says no. */
export function draining(): OssiaError {
  return new OssiaError('server/draining', 'Cannot lend a model: the server is shutting down');
}

export function abandoned(name: string): OssiaError {
  return new OssiaError('engine/closed', `Cannot load ${name}: nobody waits for it any more`);
}

/** It can never fit. */
export function tooLarge(name: string, neededBytes: number, maxBytes: number): OssiaError {
  const message = `Cannot load ${name}: it needs ${size(neededBytes)} of memory, and models may take ${size(maxBytes)}`;
  return new OssiaError('server/model-too-large', message, { details: { neededBytes, maxBytes } });
}

/** It would fit beside less. */
export function noRoom(name: string, neededBytes: number, busy: readonly string[], usedBytes: number): OssiaError {
  const use = busy.length === 0 ? '' : `; in use: ${busy.join(', ')}`;
  const message = `Cannot load ${name} now: it needs ${size(neededBytes)} of memory, and ${size(usedBytes)} are taken${use}`;
  return new OssiaError('engine/queue-full', message, { details: { retryAfterSeconds: 10, neededBytes, usedBytes } });
}

function size(bytes: number): string {
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
