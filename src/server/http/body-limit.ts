import { OssiaError } from '../../base/index.ts';
import type { Middleware } from '../context.ts';

/** Refuses bodies that are larger, by what they announce or as they come. Throws `server/too-large`. */
export function limitBody(maxBytes: number): Middleware {
  return async (c, next) => {
    const { method } = c.req;
    if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return next();
    const announced = c.req.header('transfer-encoding') === undefined ? c.req.header('content-length') : undefined;
    if (announced !== undefined) {
      if (Number(announced) > maxBytes) throw tooLarge(maxBytes);
    } else if (c.req.raw.body) {
      const { url, headers } = c.req.raw;
      const body = await readUpTo(c.req.raw.body, maxBytes);
      c.req.raw = new Request(url, { method, headers: [...headers], body, signal: c.get('signal') });
    }
    await next();
  };
}

async function readUpTo(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(value);
    }
  } catch (error) {
    if (error instanceof OssiaError) throw error;
    throw new OssiaError('server/slow-request', 'The body of the request did not arrive whole', { cause: error });
  }
  const whole = new Uint8Array(size);
  chunks.reduce((offset, chunk) => {
    whole.set(chunk, offset);
    return offset + chunk.length;
  }, 0);
  return whole.buffer;
}

function tooLarge(maxBytes: number): OssiaError {
  return new OssiaError('server/too-large', `The body is larger than the ${maxBytes} bytes that this server takes`, {
    details: { maxBytes },
  });
}
