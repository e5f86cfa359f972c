/** OpenAI's Responses: a body in, a response or its events out; what was stored is gone on from. */
export type { StreamEvent } from './events.ts';
export type { ServerTools } from './hosted/request.ts';
export type { PageOptions } from './page.ts';
export type { Caller as ResponsesCaller } from './performer.ts';
export { isFinished, type ResponseObject } from './response.ts';
export { Responses, type ResponsesOptions } from './responses.ts';
export { createSchema, inputTokensSchema } from './schema.ts';
export { MemoryStore, type ResponseStore, type StoredItem, type StoredResponse } from './store.ts';
