import { z } from 'zod';
import type { ChatOptions } from '../../chat/index.ts';

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
    .record(z.string().regex(/^\d{1,9}$/, 'expected token ids as keys'), z.number().min(-100).max(100))
    .nullish(),
  ignore_eos: z.boolean().nullish(),
} as const;

export type SamplingFields = z.infer<z.ZodObject<typeof samplingFields>>;

export const streamOptions = z.object({ include_usage: z.boolean().nullish() }).nullish();

/** What of a request goes into sampling; a parameter that the request leaves open stays open. */
export function samplingOf(
  request: SamplingFields,
): Pick<
  ChatOptions,
  | 'temperature'
  | 'topP'
  | 'topK'
  | 'minP'
  | 'repetitionPenalty'
  | 'presencePenalty'
  | 'frequencyPenalty'
  | 'seed'
  | 'logitBias'
> {
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

/** Stop texts as a list. */
export function stopsOf({ stop }: SamplingFields): readonly string[] {
  if (stop == null) return [];
  return typeof stop === 'string' ? [stop] : stop;
}

const SEEDS = 2 ** 53;

/** The seed of one of several answers to a request; other APIs have negative seeds, the engine counts from 0 to 2^53 − 1. */
export function seedOf(seed: number, index = 0): number {
  const wrapped = (BigInt(seed) + BigInt(index)) % BigInt(SEEDS);
  return Number(wrapped < 0n ? wrapped + BigInt(SEEDS) : wrapped);
}

/** Without what is undefined or null. */
export function given<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
