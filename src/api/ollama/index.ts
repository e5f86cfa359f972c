/** Ollama's own API: NDJSON lines, names with tags, durations in nanoseconds. */
export { chat } from './chat.ts';
export { ollamaError } from './errors.ts';
export { generate } from './generate.ts';
export { copy, create, remove } from './manage.ts';
export { ps, tags } from './models.ts';
export { pull } from './pull.ts';
export { type OllamaRequest, type OllamaState, ollamaState } from './request.ts';
export * from './schema.ts';
export { show } from './show.ts';
export { OLLAMA_VERSION } from './version.ts';
