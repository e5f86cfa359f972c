import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { PageError } from './page.ts';

/** Reads a body to its end, unpacked. A few bytes may unpack to many, so `max` counts both. Throws a PageError. */
export async function readBody(response: IncomingMessage, max: number, signal: AbortSignal): Promise<Uint8Array> {
  const length = Number(response.headers['content-length'] ?? 0);
  if (length > max) throw tooLarge(max);
  const unpack = unpackers(response.headers['content-encoding']);
  const stream = unpack ? pipeline(response, unpack, () => {}) : response;
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      size += part.length;
      if (size > max) throw tooLarge(max);
      parts.push(part);
    }
    signal.throwIfAborted(); // a response that is broken off may just end
    if (!response.complete) throw new PageError('The server broke off in the middle of the page');
  } catch (error) {
    if (unpack && !(error instanceof PageError) && !signal.aborted) {
      throw new PageError('The page is packed in a way that cannot be read', { cause: error });
    }
    throw error;
  } finally {
    response.destroy();
    unpack?.destroy();
  }
  return Buffer.concat(parts);
}

function unpackers(encoding: string | undefined): Transform | undefined {
  switch (encoding?.trim().toLowerCase() ?? '') {
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      throw new PageError(`The page is packed as ${encoding!.slice(0, 40)}, which cannot be read`);
  }
}

function tooLarge(max: number): PageError {
  return new PageError(`The page is larger than ${max / 1e6} MB, too large to be opened`);
}
