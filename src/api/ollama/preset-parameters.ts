import type { PresetParameters } from '../preset.ts';
import { badRequest, validate } from '../validate.ts';
import { sampling } from './options.ts';
import { optionsSchema } from './schema.ts';

/** What is about Ollama's own engine and machine, and changes no answer. */
const MACHINE: readonly string[] = [
  ...['numa', 'num_batch', 'num_gpu', 'main_gpu', 'low_vram', 'f16_kv', 'vocab_only', 'use_mmap', 'use_mlock'],
  ...['num_thread', 'num_keep', 'logits_all', 'embedding_only', 'penalize_newline', 'mirostat_tau', 'mirostat_eta'],
];

/**
 * Parameters of a model that is made, by Ollama's names; numbers may come as texts. `left`: names that say nothing here, such as the
 * size of the context, which is the server's. Throws `api/bad-request`.
 */
export function presetParameters(given: Readonly<Record<string, unknown>>): {
  readonly parameters: PresetParameters;
  readonly left: readonly string[];
} {
  const known = Object.keys(optionsSchema.shape);
  const strange = Object.keys(given).find((name) => !known.includes(name) && !MACHINE.includes(name));
  if (strange !== undefined) {
    throw badRequest(`parameters: there is no parameter "${strange.slice(0, 80)}"`, 'parameters');
  }
  const settings = Object.entries(given).map(([name, value]) => [name, name === 'stop' ? value : number(value)]);
  const options = validate(optionsSchema, Object.fromEntries(settings), 'parameters');
  const left = Object.keys(given).filter((name) => name === 'num_ctx' || MACHINE.includes(name));
  return { parameters: sampling(options), left };
}

function number(value: unknown): unknown {
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
}

const NAMES = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  repetitionPenalty: 'repeat_penalty',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  seed: 'seed',
  maxTokens: 'num_predict',
  stop: 'stop',
} as const;

/** One line for each parameter, its name and its value in columns, as Ollama shows them. */
export function parameterLines(parameters: PresetParameters = {}): string[] {
  const names = Object.keys(NAMES) as (keyof typeof NAMES)[];
  return names.flatMap((name) => {
    const value = parameters[name];
    const values = value === undefined ? [] : typeof value === 'object' ? value : [value];
    return values.map((each) => parameterLine(NAMES[name], each));
  });
}

export function parameterLine(name: string, value: string | number): string {
  return `${name.padEnd(31)}${typeof value === 'string' ? JSON.stringify(value) : value}`;
}
