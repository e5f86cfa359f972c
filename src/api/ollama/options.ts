import type { ChatOptions } from '../../chat/index.ts';
import { badRequest } from '../validate.ts';
import type { ChatBody, GenerateBody, OllamaOptions } from './schema.ts';

type Sampling = Pick<
  ChatOptions,
  | 'temperature'
  | 'topP'
  | 'topK'
  | 'minP'
  | 'seed'
  | 'stop'
  | 'maxTokens'
  | 'repetitionPenalty'
  | 'presencePenalty'
  | 'frequencyPenalty'
>;

/** What a request's fields beside its conversation ask for. Throws `api/bad-request` for what cannot be held. */
export function turnOptions(body: ChatBody | GenerateBody): ChatOptions {
  const options: Partial<OllamaOptions> = body.options ?? {};
  return {
    ...sampling(options),
    ...defined<Pick<ChatOptions, 'maxReasoningTokens' | 'reserve'>>({
      maxReasoningTokens: options.max_reasoning_tokens,
      reserve: options.reserve,
    }),
    ...thinking(body.think),
    ...format(body.format),
    ...(body.truncate === true ? { truncation: 'auto' } : {}),
    ...(body.logprobs === true ? { topLogprobs: body.top_logprobs ?? 0 } : {}),
  };
}

/** Ollama's `options` under the library's names. */
export function sampling(options: Partial<OllamaOptions>): Sampling {
  refuseOthers(options);
  const { num_predict: numPredict = -1, seed = -1, stop, top_k: topK, repeat_penalty: penalty } = options;
  const stopTexts = [stop ?? []].flat().filter((text) => text !== '');
  // Ollama counts the last `repeat_last_n` tokens, here all count; but a window of none is no penalty.
  const repetitionPenalty = options.repeat_last_n === 0 ? undefined : penalty;
  return defined<Sampling>({
    temperature: options.temperature,
    topP: options.top_p,
    topK: topK === undefined ? undefined : Math.max(0, topK),
    minP: options.min_p,
    seed: seed < 0 ? undefined : seed,
    stop: stopTexts.length === 0 ? undefined : stopTexts,
    maxTokens: numPredict <= 0 ? undefined : numPredict, // -1: no end, -2: as the context allows
    repetitionPenalty,
    presencePenalty: options.presence_penalty,
    frequencyPenalty: options.frequency_penalty,
  });
}

/** Samplers that Ossia does not have may stand at the value that turns them off. */
function refuseOthers({ mirostat = 0, tfs_z: tfsZ = 1, typical_p: typicalP = 1 }: Partial<OllamaOptions>): void {
  const refused = [
    { name: 'mirostat', value: mirostat, off: 0 },
    { name: 'tfs_z', value: tfsZ, off: 1 },
    { name: 'typical_p', value: typicalP, off: 1 },
  ].find(({ value, off }) => value !== off);
  if (refused === undefined) return;
  const { name, value, off } = refused;
  throw badRequest(`options.${name}: this server does not have it: expected ${off} or nothing, got ${value}`, name);
}

/** `false`: no thoughts at all, which gpt-oss answers worse for. */
function thinking(think: ChatBody['think']): Pick<ChatOptions, 'effort' | 'maxReasoningTokens'> {
  if (think === undefined || think === true) return {};
  if (think === false) return { effort: 'low', maxReasoningTokens: 0 };
  return { effort: think === 'max' ? 'high' : think };
}

function format(value: ChatBody['format']): Pick<ChatOptions, 'responseFormat'> {
  if (value === undefined || value === '') return {};
  if (value === 'json') return { responseFormat: 'json_object' };
  if (typeof value === 'object') return { responseFormat: { name: 'answer', schema: value } };
  throw badRequest(`format: expected "json" or a JSON Schema, got "${value.slice(0, 40)}"`, 'format');
}

/**
 * Ollama would load the model again with this context. Here its size is the server's business: a request for more is told so,
 * unless it says that turns may be left out.
 */
export function checkContext({ options, truncate }: ChatBody | GenerateBody, contextLength: number): void {
  const asked = options?.num_ctx ?? 0;
  if (asked <= contextLength || truncate === true) return;
  throw badRequest(
    `options.num_ctx: asked for a context of ${asked} tokens, but the model is loaded with ${contextLength}: send at most that, ` +
      'or "truncate": true to have the oldest turns left out, or start the server with a larger --context',
    'options.num_ctx',
  );
}

function defined<T extends object>(fields: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
