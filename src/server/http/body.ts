import type { ZodType } from 'zod';
import { badRequest, validate } from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import type { RequestContext } from '../context.ts';

/** Deeper than any schema or conversation, and far from where recursion ends in a crash. */
const MAX_DEPTH = 256;

/** The JSON body of a request in the shape of its schema. Throws `api/bad-request`; the size limit stands before it. */
export async function readBody<T>(c: RequestContext, schema: ZodType<T>): Promise<T> {
  return validate(schema, parse(await readText(c)));
}

/** The body as it came. Throws `server/slow-request` when it did not come whole, `server/unsupported-encoding`, `api/bad-request`. */
export async function readText(c: RequestContext): Promise<string> {
  const encoding = c.req.header('content-encoding')?.trim() ?? '';
  if (encoding !== '' && encoding.toLowerCase() !== 'identity') {
    const found = JSON.stringify(encoding.slice(0, 40));
    throw new OssiaError('server/unsupported-encoding', `Cannot read a body with the content-encoding ${found}`);
  }
  return decode(await readBytes(c));
}

async function readBytes(c: RequestContext): Promise<ArrayBuffer> {
  try {
    return await c.req.arrayBuffer();
  } catch (cause) {
    if (cause instanceof OssiaError) throw cause;
    throw new OssiaError('server/slow-request', 'The body of the request did not arrive whole', { cause });
  }
}

/** Other encodings would become another text without a word. */
function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw badRequest('The body is not UTF-8', '', error);
  }
}

/** Throws `api/bad-request` when the text is no JSON, or nested deeper than anything needs. */
export function parse(text: string): unknown {
  if (text.trim() === '') throw badRequest('The body is empty: expected a JSON object');
  if (isTooDeep(text)) throw badRequest(`The body is nested deeper than ${MAX_DEPTH} arrays and objects`);
  try {
    return JSON.parse(text);
  } catch (error) {
    const found = error instanceof Error ? error.message.slice(0, 200) : String(error);
    throw badRequest(`The body is not valid JSON: ${found}`, '', error);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Of text that is no JSON, whatever: it is refused after this. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i + 1);
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return false;
}

/** Where the closing quote stands, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
