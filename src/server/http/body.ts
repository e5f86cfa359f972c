import type { ZodType } from 'zod';
import { badRequest, validate } from '../../api/index.ts';
import type { RequestContext } from '../context.ts';

/** The JSON body of a request in the shape of its schema. Throws `api/bad-request`; the size limit stands before it. */
export async function readBody<T>(c: RequestContext, schema: ZodType<T>): Promise<T> {
  const text = await c.req.text();
  return validate(schema, parse(text));
}

function parse(text: string): unknown {
  if (text.trim() === '') throw badRequest('The body is empty: expected a JSON object');
  try {
    return JSON.parse(text);
  } catch (error) {
    const found = error instanceof Error ? error.message.slice(0, 200) : String(error);
    throw badRequest(`The body is not valid JSON: ${found}`, '', error);
  }
}
