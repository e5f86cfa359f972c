import { z } from 'zod';

/** Absent, null, or the value: Go clients send what they have not set as null. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

const text = optional(z.string());
const flag = optional(z.boolean());
const number = optional(z.number());
const integer = optional(z.int());

/** `model`, or `name`, as older clients call it. */
const model = { model: text, name: text };

/** Seconds, or a text as Go writes durations. */
const keepAlive = optional(z.union([z.number(), z.string()]));

const stop = optional(z.union([z.string(), z.array(z.string())]));

/** Those that bear on the answer, those that cannot be held, and `num_ctx`; what concerns Ollama's hardware is dropped. */
export const optionsSchema = z.object({
  temperature: optional(z.number().min(0)),
  top_p: optional(z.number().gt(0).max(1)),
  top_k: integer,
  min_p: optional(z.number().min(0).max(1)),
  seed: integer,
  stop,
  num_predict: integer,
  num_ctx: integer,
  repeat_penalty: optional(z.number().gt(0).max(10)),
  repeat_last_n: integer,
  presence_penalty: optional(z.number().min(-2).max(2)),
  frequency_penalty: optional(z.number().min(-2).max(2)),
  mirostat: number,
  tfs_z: number,
  typical_p: number,
  /** Ossia's own: how long the model may think, and how much of `num_predict` is kept for the answer. */
  max_reasoning_tokens: optional(z.int().min(0)),
  reserve: optional(z.int().min(0)),
});

export type OllamaOptions = z.output<typeof optionsSchema>;

/** What `chat` and `generate` have in common. */
const turn = {
  ...model,
  stream: flag,
  format: optional(z.union([z.string(), z.looseObject({})])),
  think: optional(
    z.union([z.boolean(), z.enum(['low', 'medium', 'high', 'max'])], {
      error: 'expected true, false, "low", "medium", "high" or "max"',
    }),
  ),
  keep_alive: keepAlive,
  options: optional(optionsSchema),
  truncate: flag,
  logprobs: flag,
  top_logprobs: optional(z.int().min(0).max(20)),
};

const images = optional(z.array(z.unknown()));

const toolCall = z.object({
  id: text,
  function: z.object({
    name: z.string(),
    arguments: optional(z.union([z.record(z.string(), z.unknown()), z.string()])),
  }),
});

export const messageSchema = z.object({
  role: z
    .string()
    .transform((role) => role.toLowerCase())
    .pipe(
      z.enum(['system', 'developer', 'user', 'assistant', 'tool'], {
        error: 'expected system, user, assistant or tool',
      }),
    ),
  content: text,
  thinking: text,
  images,
  tool_calls: optional(z.array(toolCall)),
  tool_name: text,
  /** What `tool_name` was called before. */
  name: text,
  tool_call_id: text,
});

export type OllamaMessage = z.output<typeof messageSchema>;

export const toolSchema = z.object({
  type: optional(z.literal('function')),
  function: z.object({
    name: z.string(),
    description: text,
    parameters: optional(
      z.looseObject({ type: optional(z.unknown()) }).refine(({ type = 'object' }) => [type].flat().includes('object'), {
        error: 'expected a schema of an object: arguments are objects here',
      }),
    ),
    strict: flag,
  }),
});

export const chatSchema = z.object({
  ...turn,
  messages: optional(z.array(messageSchema)),
  tools: optional(z.array(toolSchema)),
});

export type ChatBody = z.output<typeof chatSchema>;

export const generateSchema = z.object({
  ...turn,
  prompt: text,
  suffix: text,
  system: text,
  template: text,
  context: optional(z.array(z.int().min(0))),
  raw: flag,
  images,
});

export type GenerateBody = z.output<typeof generateSchema>;

export const nameSchema = z.object(model);
export type NameBody = z.output<typeof nameSchema>;

export const pullSchema = z.object({ ...model, stream: flag, insecure: flag });
export type PullBody = z.output<typeof pullSchema>;

export const copySchema = z.object({ source: z.string(), destination: z.string() });
export type CopyBody = z.output<typeof copySchema>;

export const createSchema = z.object({
  ...model,
  stream: flag,
  from: text,
  system: text,
  parameters: optional(z.record(z.string(), z.unknown())),
  /** The text of a Modelfile, as servers took it before there were fields. */
  modelfile: text,
  messages: optional(z.array(z.unknown())),
  template: text,
  quantize: text,
  files: optional(z.record(z.string(), z.unknown())),
  adapters: optional(z.record(z.string(), z.unknown())),
});
export type CreateBody = z.output<typeof createSchema>;
