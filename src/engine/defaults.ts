import { OssiaError } from '../base/index.ts';
import type { Checkpoint } from '../checkpoint/index.ts';
import { checkParams } from './params.ts';
import type { GenerateParams } from './types.ts';

/** Size of gpt-oss's vocabulary, and the ids that end its output: `<|return|>`, `<|endoftext|>`, `<|call|>`. */
const GPT_OSS_VOCABULARY = 201_088;
const GPT_OSS_END_IDS: readonly number[] = [200_002, 199_999, 200_012];

/** Hugging Face's names for what we take from `generation_config.json`. */
const NAMES = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  repetitionPenalty: 'repetition_penalty',
} as const;

/**
 * What a checkpoint says about choosing tokens: sampling parameters and end ids from `generation_config.json`, or end ids
 * from wherever else it holds them. `do_sample: false` means temperature 0. Throws `checkpoint/bad-config` for values
 * out of range.
 */
export function generationDefaults(
  { path, generation, metadata }: Pick<Checkpoint, 'path' | 'generation' | 'metadata'>,
  vocabSize: number,
): GenerateParams {
  const sampling = Object.entries(NAMES).flatMap(([ours, theirs]) => {
    const value = generation[theirs] ?? undefined; // transformers writes null for "not set"
    return value === undefined ? [] : [[ours, value] as const];
  });
  const params: GenerateParams = {
    ...Object.fromEntries(sampling),
    ...(generation.do_sample === false ? { temperature: 0 } : {}),
    stopIds: endIds(generation, metadata, vocabSize),
  };
  try {
    checkParams(params, vocabSize);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new OssiaError('checkpoint/bad-config', `Cannot use the generation settings of ${path}: ${found}`, { cause });
  }
  return params;
}

function endIds(
  generation: Readonly<Record<string, unknown>>,
  metadata: Readonly<Record<string, unknown>>,
  vocabSize: number,
): readonly number[] {
  const places = [
    generation.eos_token_id,
    metadata['tokenizer.ggml.eos_token_ids'],
    metadata['tokenizer.ggml.eos_token_id'],
    metadata.eos_token_id,
  ];
  const given = places.find((value) => value !== undefined && value !== null);
  const named = (isList(given) ? Array.from(given) : [given]) as number[]; // checkParams looks at each
  if (vocabSize === GPT_OSS_VOCABULARY) {
    // Some files name one of the three only, and OpenAI's own layout none; the model ends with any of them.
    return [...new Set([...(given === undefined ? [] : named), ...GPT_OSS_END_IDS])];
  }
  return given === undefined ? [] : named;
}

function isList(value: unknown): value is ArrayLike<unknown> & Iterable<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}
