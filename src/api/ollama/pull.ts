import { OssiaError } from '../../base/index.ts';
import type { PullEvent } from '../../checkpoint/index.ts';
import type { Host } from '../host.ts';
import type { Reply } from '../reply.ts';
import { badRequest } from '../validate.ts';
import { findCard, isModelName, isUnknown, nameOf } from './lending.ts';
import { type Progress, progress } from './progress.ts';
import type { OllamaRequest } from './request.ts';
import type { PullBody } from './schema.ts';

/** `POST /api/pull`. What is there already is there at once. Downloading stops when whoever asked leaves; the next pull goes on. */
export async function pull(body: PullBody, host: Host, { signal }: OllamaRequest): Promise<Reply> {
  const name = nameOf(body);
  if (!isModelName(name)) throw badRequest('invalid model name', 'model');
  return await progress(body.stream, pulling(name, host, signal));
}

async function* pulling(name: string, host: Host, signal: AbortSignal): AsyncGenerator<Progress, void, undefined> {
  yield { status: 'pulling manifest' };
  if (!(await isHere(host, name))) {
    if (host.pull === undefined) throw new OssiaError('api/unsupported', 'This server downloads no models');
    for await (const event of host.pull(name, { signal })) yield* lineOf(event);
  }
  yield { status: 'success' };
}

async function isHere(host: Host, name: string): Promise<boolean> {
  try {
    await findCard(host, name);
    return true;
  } catch (error) {
    if (isUnknown(error)) return false;
    throw error;
  }
}

/** `digest` is what clients tell the parts of a model apart by: here, its files. */
function* lineOf(event: PullEvent): Generator<Progress> {
  switch (event.type) {
    case 'plan':
      for (const { path, sizeBytes, presentBytes } of event.files) {
        yield { status: `pulling ${path}`, digest: path, total: sizeBytes, completed: presentBytes };
      }
      break;
    case 'progress':
      yield {
        status: `pulling ${event.file}`,
        digest: event.file,
        total: event.fileTotalBytes,
        completed: event.fileDoneBytes,
      };
      break;
    case 'verify':
      yield {
        status: `verifying ${event.file}`,
        digest: event.file,
        total: event.totalBytes,
        completed: event.doneBytes,
      };
      break;
    case 'retry':
      yield { status: `trying again in ${Math.ceil(event.delayMs / 1000)} s: ${event.reason}`, digest: event.file };
      break;
    case 'file':
      yield { status: `verified ${event.file}`, digest: event.file };
      break;
    case 'done':
      yield { status: 'writing manifest' };
  }
}
