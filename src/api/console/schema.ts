import { z } from 'zod';
import type { ApprovalBody, RoutingBody, TurnBody, TurnOptions } from './types.ts';

const MAX_MESSAGES = 10_000;
const MAX_TOOLS = 256;
/** What the console may ask the experts of at once: it is computed anew. */
export const MAX_ROUTED_TOKENS = 4096;

const tokenId = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const conversation = z.string().min(1).max(100);
const name = z.string().min(1).max(256);

/** What the model wrote, as an `end` event had it. What else that event said of it is dropped. */
const writtenMessage = z.object({
  role: z.literal('assistant'),
  name: z.string().optional(),
  recipient: z.string().optional(),
  channel: z.string().optional(),
  contentType: z.string().optional(),
  content: z.string(),
  sampled: z.array(tokenId).optional(),
});

const toolCall = z.strictObject({
  id: name,
  name,
  arguments: z.string(),
  builtin: z.literal(true).optional(),
});

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.enum(['system', 'developer']), content: z.string() }),
  z.strictObject({ role: z.literal('user'), content: z.string() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string().optional(),
    reasoning: z.string().optional(),
    toolCalls: z.array(toolCall).max(MAX_TOOLS).optional(),
    harmony: z.array(writtenMessage).optional(),
  }),
  z.strictObject({
    role: z.literal('tool'),
    content: z.string(),
    toolCallId: name.optional(),
    name: name.optional(),
  }),
]);

/** A key for each of `TurnOptions`, and no other. */
const optionFields = {
  effort: z.enum(['low', 'medium', 'high']).optional(),
  maxTokens: z.int().optional(),
  temperature: z.number().optional(),
  topP: z.number().optional(),
  topK: z.int().optional(),
  minP: z.number().optional(),
  repetitionPenalty: z.number().optional(),
  presencePenalty: z.number().optional(),
  frequencyPenalty: z.number().optional(),
  seed: z.int().optional(),
  maxReasoningTokens: z.int().min(0).optional(),
  responseFormat: z
    .union([
      z.literal('json_object'),
      z.strictObject({
        name,
        description: z.string().optional(),
        schema: z.unknown(),
        strict: z.boolean().optional(),
      }),
    ])
    .optional(),
  toolChoice: z.union([z.enum(['none', 'auto', 'required']), z.strictObject({ name })]).optional(),
  tools: z
    .array(
      z.strictObject({
        name,
        description: z.string().optional(),
        parameters: z.unknown().optional(),
        strict: z.boolean().optional(),
      }),
    )
    .max(MAX_TOOLS)
    .optional(),
  identity: z.string().max(10_000).optional(),
  date: z.string().max(40).nullable().optional(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(16)]).optional(),
  truncation: z.enum(['disabled', 'auto']).optional(),
  constrain: z.boolean().optional(),
} satisfies Record<keyof TurnOptions, z.ZodType>;

/** The body of `POST /ossia/turns` and `/ossia/render`; ranges of sampling parameters are the engine's to check. */
export const turnBody = z
  .strictObject({
    model: name.optional(),
    messages: z.array(message).min(1).max(MAX_MESSAGES),
    conversation,
    options: z.strictObject(optionFields).optional(),
    enable: z.array(name).max(MAX_TOOLS).optional(),
    trace: z.boolean().optional(),
  })
  .transform((body): TurnBody => dense(body) as TurnBody);

export const approvalBody = z
  .strictObject({
    allowed: z.boolean(),
    reason: z.string().max(2000).optional(),
    remember: z.boolean().optional(),
  })
  .transform((body): ApprovalBody => dense(body) as ApprovalBody);

export const routingBody = z
  .strictObject({
    model: name.optional(),
    ids: z.array(tokenId).min(1).max(MAX_ROUTED_TOKENS),
    from: z.int().min(0).optional(),
  })
  .refine(({ ids, from = 0 }) => from <= ids.length, { path: ['from'], error: 'expected no more than there are ids' })
  .transform((body): RoutingBody => dense(body) as RoutingBody);

export const conversationBody = z.strictObject({ conversation });

export const nameBody = z.strictObject({ name });

/** Without what is undefined: the contracts have no such keys. */
function dense(body: object): object {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}
