import { z } from 'zod';
import { refusedFields, samplingFields, streamOptions } from '../sampling.ts';

const tokenIds = z.array(z.int().min(0)).min(1);

/** The body of `POST /v1/completions`. */
export const completionRequest = z.object({
  model: z.string().min(1).nullish(),
  prompt: z.union([z.string(), tokenIds, z.array(z.string()).min(1).max(64), z.array(tokenIds).min(1).max(64)]),
  ...samplingFields,
  max_tokens: z.int().min(0).nullish(),
  n: z.int().min(1).max(16).nullish(),
  best_of: z.int().min(1).nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
  echo: z.boolean().nullish(),
  suffix: z.string().nullish(),
  stream: z.boolean().nullish(),
  stream_options: streamOptions,
  /** vLLM's: whether control tokens that the model writes are left out. Default true. */
  skip_special_tokens: z.boolean().nullish(),
  response_format: z.unknown().optional(),
  ...refusedFields,
});

export type CompletionRequest = z.infer<typeof completionRequest>;
