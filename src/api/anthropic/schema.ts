import { z } from 'zod';

/** Bodies of the Messages API. Keys that are not named here mean nothing to this server and are dropped. */

const text = z.object({ type: z.literal('text'), text: z.string() });
const image = z.object({ type: z.literal('image') });
const searchResult = z.object({
  type: z.literal('search_result'),
  source: z.string(),
  title: z.string(),
  content: z.array(text),
});
const documentSource = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), data: z.string() }),
  z.object({ type: z.literal('content'), content: z.union([z.string(), z.array(z.union([text, image]))]) }),
  z.object({ type: z.enum(['base64', 'url', 'file']) }),
]);
const document = z.object({
  type: z.literal('document'),
  source: documentSource,
  title: z.string().nullish(),
  context: z.string().nullish(),
});
const toolReference = z.object({ type: z.literal('tool_reference'), tool_name: z.string() });

const resultPart = z.discriminatedUnion('type', [text, image, document, searchResult, toolReference]);
const toolResult = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(resultPart)]).nullish(),
  is_error: z.boolean().nullish(),
});

const toolUse = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
});
const thinking = z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string().nullish() });
const redactedThinking = z.object({ type: z.literal('redacted_thinking'), data: z.string() });

const userPart = z.discriminatedUnion('type', [text, image, document, searchResult, toolResult]);
const assistantPart = z.discriminatedUnion('type', [text, thinking, redactedThinking, toolUse]);
const systemText = z.union([z.string(), z.array(text)]);

const message = z.discriminatedUnion('role', [
  z.object({ role: z.literal('user'), content: z.union([z.string(), z.array(userPart)]) }),
  z.object({ role: z.literal('assistant'), content: z.union([z.string(), z.array(assistantPart)]) }),
  z.object({ role: z.literal('system'), content: systemText }),
]);

const customTool = z.object({
  type: z.literal('custom').nullish(),
  name: z.string(),
  description: z.string().nullish(),
  input_schema: z.record(z.string(), z.unknown()),
  strict: z.boolean().nullish(),
});
/** Tools that Anthropic runs or describes itself: `web_search_20250305`, `bash_20250124`. */
const serverTool = z.object({ type: z.string(), name: z.string().nullish() });
const tool = z.union([customTool, serverTool]);

const toolChoice = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['auto', 'any', 'none']), disable_parallel_tool_use: z.boolean().nullish() }),
  z.object({ type: z.literal('tool'), name: z.string(), disable_parallel_tool_use: z.boolean().nullish() }),
]);

const display = z.enum(['summarized', 'omitted']).nullish();
const thinkingConfig = z.discriminatedUnion('type', [
  z.object({ type: z.literal('enabled'), budget_tokens: z.int().min(1), display }),
  z.object({ type: z.literal('adaptive'), display }),
  z.object({ type: z.enum(['disabled', 'between_tools']) }),
]);

const jsonFormat = z.object({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) });
const outputConfig = z.object({
  effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
  format: jsonFormat.nullish(),
});

const prompt = {
  model: z.string().min(1),
  messages: z.array(message).min(1, 'Expected at least one message'),
  system: systemText.nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: toolChoice.nullish(),
  thinking: thinkingConfig.nullish(),
  output_config: outputConfig.nullish(),
  /** The name of `output_config.format` while it was a beta. */
  output_format: jsonFormat.nullish(),
  mcp_servers: z.array(z.unknown()).nullish(),
  /** Asks the server to keep the conversation. */
  thread: z.object({ type: z.string() }).nullish(),
};

export const countTokensRequest = z.object(prompt);

export const messagesRequest = z.object({
  ...prompt,
  max_tokens: z.int().min(1),
  stream: z.boolean().nullish(),
  stop_sequences: z.array(z.string().min(1)).max(64).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  // Ossia's own
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().gt(0).max(10).nullish(),
  seed: z.int().min(0).nullish(),
  max_reasoning_tokens: z.int().min(0).nullish(),
  reserve: z.int().min(0).nullish(),
});

export type CountTokensRequest = z.infer<typeof countTokensRequest>;
export type MessagesRequest = z.infer<typeof messagesRequest>;
export type MessageParam = z.infer<typeof message>;
export type UserPart = z.infer<typeof userPart>;
export type AssistantPart = z.infer<typeof assistantPart>;
export type ResultPart = z.infer<typeof resultPart>;
export type ToolParam = z.infer<typeof tool>;
export type SystemText = z.infer<typeof systemText>;
