/**
 * One turn with a model: render the conversation, generate, read what comes. `load()` puts everything below together.
 * Knows nothing of terminals, HTTP or other people's wire formats.
 */

export { type ActingModel, act } from './act.ts';
export { Callables, collect as collectTools } from './act-tools.ts';
export type * from './acting-types.ts';
export { type ContinueOptions, continueText } from './continuation.ts';
export { type PromptOptions, toConversation } from './conversation.ts';
export { LoadedModel, type LoadOptions, load, type MeasuredEngine } from './load.ts';
export { type SavedSession, Session, type SessionEvent, type SessionOptions } from './session.ts';
export { openTokenizer } from './tokenizer.ts';
export { TurnMemory, type TurnMemoryOptions } from './turn-memory.ts';
export type * from './types.ts';
