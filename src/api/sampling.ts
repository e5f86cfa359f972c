import { randomInt } from 'node:crypto';
import { z } from 'zod';
import type { ChatOptions } from '../chat/index.ts';
import { badRequest } from './validate.ts';

/** Parameters that mean the same in Chat Completions and Completions: OpenAI's, and those that vLLM added. */
export const samplingFields = {
  temperature: z.number().min(0).max(10).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  /** −1 and 0 both keep all, as vLLM has it. */
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().gt(0).max(10).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.number().refine(Number.isInteger, 'expected an integer').nullish(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(16)]).nullish(),
  logit_bias: z
    .record(z.string(), z.number().min(-100).max(100))
    .refine((biases) => Object.keys(biases).every((id) => /^\d{1,9}$/.test(id)), 'expected token ids as keys')
    .nullish(),
  ignore_eos: z.boolean().nullish(),
} as const;

export type SamplingFields = z.infer<z.ZodObject<typeof samplingFields>>;

/** What other servers offer and this one does not: ignoring it would change the answer, so it is refused. */
const REFUSED = {
  guided_json: 'use response_format',
  guided_regex: 'use response_format with a schema that has a pattern',
  guided_choice: 'use response_format with a schema that has an enum',
  guided_grammar: 'use response_format',
  structured_outputs: 'use response_format',
  grammar: 'use response_format',
  bad_words: 'use logit_bias',
  allowed_token_ids: 'use logit_bias',
  stop_token_ids: 'use stop',
  min_tokens: 'no least length can be held',
  use_beam_search: 'tokens are sampled one by one',
  prompt_logprobs: 'there are logprobs of the answer only',
} as const;

export const refusedFields = Object.fromEntries(
  Object.keys(REFUSED).map((name) => [name, z.unknown().optional()]),
) as Record<keyof typeof REFUSED, z.ZodOptional<z.ZodUnknown>>;

/** Throws `api/bad-request` for what is refused and not empty. */
export function checkRefused(request: { readonly [Name in keyof typeof REFUSED]?: unknown }): void {
  for (const [name, why] of Object.entries(REFUSED)) {
    const value = request[name as keyof typeof REFUSED];
    const isEmpty = value == null || value === false || value === 0 || (Array.isArray(value) && value.length === 0);
    if (!isEmpty) throw badRequest(`${name}: not offered here; ${why}`, name);
  }
}

export const streamOptions = z.object({ include_usage: z.boolean().nullish() }).nullish();

/** How tokens are chosen, as far as every format can say it. */
export type SamplingOptions = Pick<
  ChatOptions,
  'temperature' | 'topP' | 'topK' | 'minP' | 'repetitionPenalty' | 'presencePenalty' | 'frequencyPenalty' | 'seed'
>;

/** What of a request goes into sampling; a parameter that the request leaves open stays open. */
export function samplingOf(request: SamplingFields): SamplingOptions & Pick<ChatOptions, 'logitBias'> {
  return given({
    temperature: request.temperature,
    topP: request.top_p,
    topK: request.top_k === -1 ? 0 : request.top_k,
    minP: request.min_p,
    repetitionPenalty: request.repetition_penalty,
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
    seed: request.seed == null ? undefined : seedOf(request.seed),
    logitBias: request.logit_bias,
  });
}

/** Stop texts as a list, if there are any. */
export function stopsOf({ stop }: SamplingFields): readonly string[] | undefined {
  if (stop == null || stop.length === 0) return undefined;
  return typeof stop === 'string' ? [stop] : stop;
}

const SEEDS = 2 ** 53;

/** The seed of one of several answers to a request; other APIs have negative seeds, the engine counts from 0 to 2^53 − 1. */
function seedOf(seed: number, index = 0): number {
  const wrapped = (BigInt(seed) + BigInt(index)) % BigInt(SEEDS);
  return Number(wrapped < 0n ? wrapped + BigInt(SEEDS) : wrapped);
}

/** The options of each of several answers: they differ by their seeds, each one more than the one before. */
export function seeded<T extends { readonly seed?: number }>(options: T, count: number): T[] {
  if (count === 1) return [options];
  const first = options.seed ?? randomInt(2 ** 47);
  return Array.from({ length: count }, (_, index) => ({ ...options, seed: seedOf(first, index) }));
}

/** Without what is undefined or null. */
export function given<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
