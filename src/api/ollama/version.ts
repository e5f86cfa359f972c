/**
 * The version of Ollama that clients are told they speak with: they compare it to know what they may use. 0.14.0 was the first
 * with all that is here (Responses, logprobs, Anthropic's messages); Codex asks for 0.13.4 or newer.
 */
export const OLLAMA_VERSION = '0.14.0';
