/** Conversations ↔ token ids in OpenAI's Harmony format: render, parse, recover. Knows nothing of models or sampling. */
export { conversationFromJson, messageToJson, renderOptionsFromJson } from './conversation-json.ts';
export { stopIds } from './format.ts';
export { type HistoryRule, selectHistory } from './history.ts';
export { JsonNumber, type JsonObject, type JsonValue, parseJson, stringifyJson, toPlainJson } from './json.ts';
export { type RenderOptions, render, renderText } from './render.ts';
export type * from './types.ts';
