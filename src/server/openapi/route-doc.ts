import type { ZodType } from 'zod';

/** What /openapi.json says of a route. */
export interface RouteDoc {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** As the router has it: `/v1/responses/:id`. */
  readonly path: string;
  readonly summary: string;
  /** Of the JSON body. */
  readonly request?: ZodType;
  /** Of the JSON reply. */
  readonly response?: ZodType;
  /** The reply may also be a stream: server-sent events, or lines of JSON. */
  readonly stream?: boolean | 'sse' | 'ndjson';
}
