import { createHash } from 'node:crypto';
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
    const digest = digests();
    for await (const event of host.pull(name, { signal })) yield* lineOf(event, digest);
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

/**
 * What clients tell the parts of a model apart by, in the form of Ollama's, which some cut to size: of a file's name and commit,
 * not of its bytes.
 */
function digests(): (event: PullEvent, file: string) => string {
  let commit = '';
  return (event, file) => {
    if (event.type === 'plan') commit = `${event.repository}@${event.commit}`;
    return `sha256:${createHash('sha256').update(`${commit}/${file}`).digest('hex')}`;
  };
}

function* lineOf(event: PullEvent, digest: ReturnType<typeof digests>): Generator<Progress> {
  const line = (what: string, file: string, total: number, completed: number): Progress => {
    return { status: `${what} ${file}`, digest: digest(event, file), total, completed };
  };
  switch (event.type) {
    case 'plan':
      for (const { path, sizeBytes, presentBytes } of event.files) yield line('pulling', path, sizeBytes, presentBytes);
      break;
    case 'progress':
      yield line('pulling', event.file, event.fileTotalBytes, event.fileDoneBytes);
      break;
    case 'verify':
      yield line('verifying', event.file, event.totalBytes, event.doneBytes);
      break;
    case 'retry':
      yield { status: `trying ${event.file} again in ${Math.ceil(event.delayMs / 1000)} s: ${event.reason}` };
      break;
    case 'file':
      yield { status: `verified ${event.file}` };
      break;
    case 'done':
      yield { status: 'writing manifest' };
  }
}
