/** What servers get wrong, by API. */
export { anthropicFaults } from './anthropic.ts';
export type { KnownFault } from './change.ts';
export { chatFaults } from './chat.ts';
export { ollamaFaults } from './ollama.ts';
export { responsesFaults } from './responses.ts';
