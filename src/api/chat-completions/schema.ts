import { z } from 'zod';
import { refusedFields, samplingFields, streamOptions } from '../sampling.ts';

/** Any part of a message's content; `messages.ts` says which of them a model without eyes and ears can read. */
const part = z.object({ type: z.string(), text: z.string().nullish(), refusal: z.string().nullish() });

/** JSON text; some clients send the object itself. */
const callArguments = z.union([z.string(), z.record(z.string(), z.unknown())]).nullish();

const call = z.object({
  id: z.string().nullish(),
  type: z.enum(['function', 'custom']).nullish(),
  function: z.object({ name: z.string().min(1), arguments: callArguments }).nullish(),
  custom: z.object({ name: z.string().min(1), input: z.string() }).nullish(),
});

const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(part)]).nullish(),
  name: z.string().nullish(),
  refusal: z.string().nullish(),
  reasoning: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  tool_calls: z.array(call).nullish(),
  tool_call_id: z.string().nullish(),
  function_call: z.object({ name: z.string().min(1), arguments: callArguments }).nullish(),
});

const toolName = z.string().regex(/^[\w.-]{1,128}$/, 'expected 1 to 128 letters, digits, "_", "-" and "."');

const functionTool = z.object({
  name: toolName,
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
});

const customFormat = z.object({
  type: z.enum(['text', 'grammar']),
  grammar: z.object({ syntax: z.string(), definition: z.string() }).nullish(),
});

const tool = z.discriminatedUnion('type', [
  z.object({ type: z.literal('function'), function: functionTool }),
  z.object({
    type: z.literal('custom'),
    custom: z.object({ name: toolName, description: z.string().nullish(), format: customFormat.nullish() }),
  }),
]);

const named = z.object({ name: z.string().min(1) });

const toolReference = z.union([
  z.object({ type: z.literal('function'), function: named }),
  z.object({ type: z.literal('custom'), custom: named }),
]);

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  toolReference,
  z.object({
    type: z.literal('allowed_tools'),
    allowed_tools: z.object({ mode: z.enum(['auto', 'required']), tools: z.array(toolReference).min(1) }),
  }),
]);

const responseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: z.string().regex(/^[\w-]{1,64}$/, 'expected 1 to 64 letters, digits, "_" and "-"'),
      description: z.string().nullish(),
      schema: z.union([z.record(z.string(), z.unknown()), z.boolean()]).nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
]);

const effort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);

/** The body of `POST /v1/chat/completions`. What it does not name changes nothing in an answer, and is dropped. */
export const chatCompletionRequest = z.object({
  model: z.string().min(1).nullish(),
  messages: z.array(message).min(1),
  tools: z.array(tool).max(2048).nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  functions: z.array(functionTool).nullish(),
  function_call: z.union([z.enum(['none', 'auto']), named]).nullish(),
  response_format: responseFormat.nullish(),
  reasoning_effort: effort.nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  n: z.int().min(1).max(16).nullish(),
  ...samplingFields,
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  stream: z.boolean().nullish(),
  stream_options: streamOptions,
  service_tier: z.string().nullish(),
  modalities: z.array(z.string()).nullish(),
  audio: z.unknown().optional(),
  web_search_options: z.unknown().optional(),
  ...refusedFields,
  // Ossia's and vLLM's own.
  max_reasoning_tokens: z.int().min(0).nullish(),
  reserve: z.int().min(0).nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  include_reasoning: z.boolean().nullish(),
  /** OpenRouter's form of the same. */
  reasoning: z
    .object({
      effort: effort.nullish(),
      max_tokens: z.int().min(0).nullish(),
      exclude: z.boolean().nullish(),
      enabled: z.boolean().nullish(),
    })
    .nullish(),
  chat_template_kwargs: z
    .object({ reasoning_effort: effort.nullish(), enable_thinking: z.boolean().nullish() })
    .nullish(),
});

export type ChatCompletionRequest = z.infer<typeof chatCompletionRequest>;
export type MessageParam = z.infer<typeof message>;
export type ToolChoiceParam = z.infer<typeof toolChoice>;
