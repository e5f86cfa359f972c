import { z } from 'zod';
import { samplingFields } from '../sampling.ts';

/** Null and absent mean the same to OpenAI's clients. */
const nullable = <T extends z.ZodType>(schema: T) => schema.nullish();

const part = z.looseObject({ type: z.string() });
const content = z.union([z.string(), z.array(part)]);

/** One item of the input. Types that are not known here are kept and shown to nobody: agents send what newer servers gave them. */
const inputItem = z.looseObject({ type: nullable(z.string()), id: nullable(z.string()) });

/** What the items that mean something to the model must hold besides. */
export const itemSchemas = {
  message: z.looseObject({
    role: z.enum(['user', 'assistant', 'system', 'developer']),
    content,
    phase: nullable(z.string()),
  }),
  reasoning: z.looseObject({
    summary: nullable(z.array(part)),
    content: nullable(z.array(part)),
    encrypted_content: nullable(z.string()),
  }),
  function_call: z.looseObject({
    call_id: z.string(),
    name: z.string(),
    namespace: nullable(z.string()),
    arguments: z.string(),
  }),
  custom_tool_call: z.looseObject({
    call_id: z.string(),
    name: z.string(),
    namespace: nullable(z.string()),
    input: z.string(),
  }),
  function_call_output: z.looseObject({ call_id: z.string(), output: content }),
  custom_tool_call_output: z.looseObject({ call_id: z.string(), output: content }),
  item_reference: z.looseObject({ id: z.string() }),
  web_search_call: z.looseObject({ action: nullable(z.looseObject({ type: z.string() })) }),
  code_interpreter_call: z.looseObject({ code: nullable(z.string()), outputs: nullable(z.array(part)) }),
  mcp_call: z.looseObject({ server_label: z.string(), name: z.string(), arguments: z.string() }),
  mcp_approval_request: z.looseObject({ server_label: z.string(), name: z.string(), arguments: z.string() }),
  mcp_approval_response: z.looseObject({
    approval_request_id: z.string(),
    approve: z.boolean(),
    reason: nullable(z.string()),
  }),
} as const;

const functionTool = z.looseObject({
  type: z.literal('function'),
  name: z.string().min(1),
  description: nullable(z.string()),
  parameters: nullable(z.record(z.string(), z.unknown())),
  strict: nullable(z.boolean()),
});

const customTool = z.looseObject({
  type: z.literal('custom'),
  name: z.string().min(1),
  description: nullable(z.string()),
  format: nullable(
    z.union([
      z.looseObject({ type: z.literal('text') }),
      z.looseObject({ type: z.literal('grammar'), syntax: z.enum(['lark', 'regex']), definition: z.string() }),
    ]),
  ),
});

/** What is in a namespace; other types there are left alone, as they are outside of one. */
const namespaceTool = z.looseObject({
  type: z.literal('namespace'),
  name: z.string().min(1),
  description: nullable(z.string()),
  tools: z.array(z.looseObject({ type: z.string() })),
});

export const toolSchemas = { function: functionTool, custom: customTool, namespace: namespaceTool } as const;

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.looseObject({
    type: z.string(),
    name: nullable(z.string()),
    namespace: nullable(z.string()),
    mode: nullable(z.enum(['auto', 'required'])),
    tools: nullable(z.array(z.looseObject({ type: z.string() }))),
  }),
]);

const textFormat = z.union([
  z.looseObject({ type: z.enum(['text', 'json_object']) }),
  z.looseObject({
    type: z.literal('json_schema'),
    name: z.string().min(1),
    description: nullable(z.string()),
    schema: z.union([z.record(z.string(), z.unknown()), z.boolean()]),
    strict: nullable(z.boolean()),
  }),
]);

/** All that says what the model sees: what `/v1/responses/input_tokens` takes as well. */
const promptFields = {
  model: nullable(z.string()),
  input: nullable(z.union([z.string(), z.array(inputItem)])),
  instructions: nullable(z.string()),
  previous_response_id: nullable(z.string()),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
  tools: nullable(z.array(z.looseObject({ type: z.string() }))),
  tool_choice: nullable(toolChoice),
  parallel_tool_calls: nullable(z.boolean()),
  text: nullable(
    z.looseObject({ format: nullable(textFormat), verbosity: nullable(z.enum(['low', 'medium', 'high'])) }),
  ),
  reasoning: nullable(
    z.looseObject({
      effort: nullable(z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'ultra'])),
      summary: nullable(z.enum(['auto', 'concise', 'detailed', 'none'])),
      generate_summary: nullable(z.enum(['auto', 'concise', 'detailed'])),
    }),
  ),
  truncation: nullable(z.enum(['auto', 'disabled'])),
};

export const inputTokensSchema = z.looseObject(promptFields);

const count = z.int().min(0);

/** The body of `POST /v1/responses`. */
export const createSchema = z.looseObject({
  ...promptFields,
  max_output_tokens: nullable(z.int().min(1)),
  max_tool_calls: nullable(count),
  ...samplingFields,
  top_logprobs: nullable(z.int().min(0).max(20)),
  store: nullable(z.boolean()),
  include: nullable(z.array(z.string())),
  metadata: nullable(z.record(z.string().max(64), z.string().max(512))),
  user: nullable(z.string()),
  safety_identifier: nullable(z.string()),
  prompt_cache_key: nullable(z.string()),
  service_tier: nullable(z.string()),
  stream: nullable(z.boolean()),
  stream_options: nullable(z.looseObject({})),
  background: nullable(z.boolean()),
  context_management: nullable(z.array(z.unknown())),
  // Our own.
  max_reasoning_tokens: nullable(count),
  reserve: nullable(count),
});

export type CreateBody = z.infer<typeof createSchema>;
export type PromptBody = z.infer<typeof inputTokensSchema>;
