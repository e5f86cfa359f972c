/**
 * Text ↔ token ids: o200k_harmony from data inside the package, and the tokenisers that checkpoints bring along. Knows
 * nothing of messages: which control tokens mean what is harmony's business.
 */
export { type GgufVocabulary, tokenizerFromGguf } from './from-gguf.ts';
export { tokenizerFromJson } from './from-json.ts';
export { tokenizerFromTiktoken } from './from-tiktoken.ts';
export { o200kHarmony } from './o200k.ts';
export type { StreamDecoder, Tokenizer } from './tokenizer.ts';
