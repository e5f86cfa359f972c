/** Anthropic's Messages API, so that its SDK and Claude Code work with gpt-oss. */
export { anthropicError } from './errors.ts';
export { type Asker, Messages } from './messages.ts';
export { countTokensRequest, messagesRequest } from './schema.ts';
