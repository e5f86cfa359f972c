import { z } from 'zod';
import type { Host } from '../../api/index.ts';
import { type ChatInput, chatInput, turnOf } from './chat.ts';
import type { McpService } from './service.ts';

export const modelsOutput = {
  models: z.array(
    z.object({
      name: z.string(),
      other_names: z.array(z.string()),
      size_bytes: z.number(),
      loaded: z.boolean(),
      context_length: z.int().optional().describe('Tokens; known once it is loaded'),
    }),
  ),
} as const;

export async function listModels(host: Host): Promise<z.infer<z.ZodObject<typeof modelsOutput>>> {
  const cards = await host.models();
  return {
    models: cards.map(({ name, otherNames = [], sizeBytes, loaded }) => ({
      name,
      other_names: [...otherNames],
      size_bytes: sizeBytes,
      loaded: loaded !== undefined,
      ...(loaded === undefined ? {} : { context_length: loaded.contextLength }),
    })),
  };
}

const { prompt, system, model, effort } = chatInput;

export const countInput = { prompt, system, model, effort } as const;

export const countOutput = {
  model: z.string(),
  prompt_tokens: z.int().describe('Of all that the model would be given, instructions of the system included'),
  context_length: z.int(),
} as const;

/** What `chat` would give to the model, in tokens. */
export async function countTokens(
  input: ChatInput,
  { host, turns }: McpService,
  signal: AbortSignal,
): Promise<z.infer<z.ZodObject<typeof countOutput>>> {
  const lease = await host.lend(input.model, { signal });
  try {
    const { messages, options } = turnOf(input, lease);
    const { name, model } = lease;
    return {
      model: name,
      prompt_tokens: turns.countTokens(model, messages, options),
      context_length: model.info.contextLength,
    };
  } finally {
    lease.release();
  }
}
